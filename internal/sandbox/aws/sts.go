package aws

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// stsOperations are the operations of STS that there are.
func (c *Cloud) stsOperations() map[string]operation {
	return map[string]operation{
		"/sts/GetCallerIdentity": c.getCallerIdentity,
		"/sts/AssumeRole":        c.assumeRole,
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
	Credentials      credentials
	AssumedRoleUser  assumedRole
	PackedPolicySize int
}

var validSession = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// assumeRole gives temporary credentials of a role whose trust policy names the caller, and the external identifier if it asks for one.
func (c *Cloud) assumeRole(call *call) (any, error) {
	session := call.form.Get("RoleSessionName")
	if !validSession.MatchString(session) {
		return nil, refuse("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: "+
			`Member must satisfy regular expression pattern: [\w+=,.@-]*`, session)
	}
	arn := call.form.Get("RoleArn")
	r := c.roles.get(arn[strings.LastIndex(arn, "/")+1:])
	if r == nil || r.arn != arn || !c.trusts(r, call.by, call.form.Get("ExternalId")) {
		return nil, refuse("AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", call.by.arn, arn)
	}
	life, err := call.form.number("DurationSeconds", 3600, 900, 43200)
	if err != nil {
		return nil, err
	}
	if most := c.longestSession(call.by, r); life > most {
		return nil, refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return c.newSession(r, session, time.Duration(life)*time.Second), nil
}

// longestSession is in seconds; a role that assumes a role has an hour.
func (c *Cloud) longestSession(by *principal, r *role) int {
	if by.role != "" {
		return min(3600, r.session)
	}
	return r.session
}

// newSession makes temporary credentials.
func (c *Cloud) newSession(r *role, session string, life time.Duration) *assumeRoleResult {
	p := &principal{
		arn:     c.arn(stsService, fmt.Sprintf("assumed-role/%s/%s", r.name, session)),
		userID:  r.id + ":" + session,
		session: c.uniqueID("IQoJsandbox"),
		expires: c.now.Add(life),
		role:    r.arn,
	}
	key := c.uniqueID("ASIA")[:20]
	c.principals[key] = p
	return &assumeRoleResult{
		Credentials:     credentials{key, c.uniqueID("simulated/"), p.session, timestamp(p.expires)},
		AssumedRoleUser: assumedRole{p.userID, p.arn},
	}
}

// trusts tells whether the trust policy of a role lets the caller assume it.
func (c *Cloud) trusts(r *role, by *principal, externalID string) bool {
	d, err := parseDocument(c.shownTrust(r), "")
	if err != nil {
		return false
	}
	allowed := false
	for _, s := range d.Statement {
		if !s.applies("sts:AssumeRole", by, c.options.Account, externalID) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

// applies tells whether a statement of a trust policy is about this caller. Of all conditions it knows that of the external identifier.
func (s statement) applies(action string, by *principal, account, externalID string) bool {
	if !slices.ContainsFunc(s.Action, func(a string) bool { return wildcard(a).MatchString(action) }) || s.Principal == nil {
		return false
	}
	if !slices.ContainsFunc((*s.Principal)["AWS"], func(p string) bool {
		return p == "*" || p == account || strings.HasSuffix(p, ":iam::"+account+":root") || p == by.arn || p == by.role
	}) {
		return false
	}
	for operator, keys := range s.Condition {
		for key, values := range keys {
			if !strings.EqualFold(key, "sts:ExternalId") || !slices.ContainsFunc(values, func(v any) bool {
				text, ok := v.(string)
				return ok && (operator == "StringEquals" && text == externalID || operator == "StringLike" && wildcard(text).MatchString(externalID))
			}) {
				return false
			}
		}
	}
	return true
}
