package aws

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// stsOperations are the operations of STS that there are.
func (c *Cloud) stsOperations() map[string]operation {
	return map[string]operation{
		"/sts/GetCallerIdentity":         c.getCallerIdentity,
		"/sts/AssumeRole":                c.assumeRole,
		"/sts/AssumeRoleWithWebIdentity": c.assumeRoleWithWebIdentity,
	}
}

type identityResult struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

func (c *Cloud) getCallerIdentity(call *call) (any, error) {
	return identityResult{call.by.arn, call.by.userID, c.options.Account}, nil
}

type assumedRole struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	Arn           string
}

type credentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

type assumeRoleResult struct {
	Credentials     credentials
	AssumedRoleUser assumedRole
}

var validSession = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// assumeRole gives temporary credentials of a role whose trust policy names the caller, and the external identifier if it asks for one.
func (c *Cloud) assumeRole(call *call) (any, error) {
	by := call.by
	r := c.trusting(call.form.Get("RoleArn"), attempt{
		action: "sts:AssumeRole",
		keys:   map[string]string{"sts:externalid": call.form.Get("ExternalId")},
		is: func(named principals) bool {
			for _, p := range named["AWS"] {
				if p == "*" || p == c.options.Account || p == c.arn(iamService, "root") || p == by.arn || p == by.role && p != "" {
					return true
				}
			}
			return false
		},
	})
	if r == nil {
		return nil, refuse("AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", by.arn, call.form.Get("RoleArn"))
	}
	most := r.session
	if by.role != "" { // a role that assumes a role has an hour
		most = min(most, 3600)
	}
	return c.newSession(call.form, r, most)
}

// newSession makes temporary credentials of a role, for at most so many seconds.
func (c *Cloud) newSession(in params, r *role, most int) (*assumeRoleResult, error) {
	session := in.Get("RoleSessionName")
	if !validSession.MatchString(session) {
		return nil, refuse("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: "+
			`Member must satisfy regular expression pattern: [\w+=,.@-]*`, session)
	}
	life, err := in.number("DurationSeconds", 3600, 900, 43200)
	if err != nil {
		return nil, err
	}
	if life > most {
		return nil, refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	p := &principal{
		arn:     c.arn(stsService, fmt.Sprintf("assumed-role/%s/%s", r.name, session)),
		userID:  r.id + ":" + session,
		session: c.uniqueID("IQoJsandbox"),
		expires: c.now.Add(time.Duration(life) * time.Second),
		role:    r.arn,
	}
	key := c.uniqueID("ASIA")[:20]
	c.principals[key] = p
	return &assumeRoleResult{
		Credentials:     credentials{key, c.uniqueID("simulated/"), p.session, timestamp(p.expires)},
		AssumedRoleUser: assumedRole{p.userID, p.arn},
	}, nil
}

// attempt is an attempt to assume a role.
type attempt struct {
	action string
	// is tells whether principals are, or include, the one who tries.
	is func(principals) bool
	// keys are those of conditions, in lower case, and their values.
	keys map[string]string
}

// trusting finds a role that lets somebody assume it, or nil.
func (c *Cloud) trusting(arn string, a attempt) *role {
	r := c.roles.get(arn[strings.LastIndex(arn, "/")+1:])
	if r == nil || r.arn != arn {
		return nil
	}
	d, err := parseDocument(c.shownTrust(r), "")
	if err != nil {
		panic(err) // it was checked when it was put
	}
	trusted := false
	for _, s := range d.Statement {
		switch {
		case !s.isAboutAttempt(a):
		case s.Effect == "Deny":
			return nil
		default:
			trusted = true
		}
	}
	if !trusted {
		return nil
	}
	return r
}

// isAboutAttempt tells whether a statement of a trust policy is about an attempt. Of all conditions it knows those that compare texts.
func (s statement) isAboutAttempt(a attempt) bool {
	s.Resource = oneOrMore[string]{"*"}
	if !s.isAbout(a.action, "") || s.Principal == nil || !a.is(*s.Principal) {
		return false
	}
	for operator, keys := range s.Condition {
		for key, values := range keys {
			if !meets(operator, a.keys[strings.ToLower(key)], values) {
				return false
			}
		}
	}
	return true
}

// meets tells whether a value is one of those of a condition.
func meets(operator, value string, wanted []any) bool {
	for _, w := range wanted {
		text, _ := w.(string)
		switch {
		case value == "":
			return false
		case operator == "StringEquals" && text == value, operator == "StringLike" && wildcardTag(text).MatchString(value):
			return true
		}
	}
	return false
}
