package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// oneOrMore is a JSON value that is one thing or a list of them, as IAM's grammar has it.
type oneOrMore[T any] []T

// UnmarshalJSON implements [json.Unmarshaler].
func (o *oneOrMore[T]) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte("[")) {
		return json.Unmarshal(text, (*[]T)(o))
	}
	var one T
	err := json.Unmarshal(text, &one)
	*o = oneOrMore[T]{one}
	return err
}

// document is a policy document. See "Grammar of the IAM JSON policy language".
type document struct {
	Version   *string
	ID        *string `json:"Id"`
	Statement oneOrMore[statement]
}

type statement struct {
	Sid          string
	Effect       string
	Principal    *principals
	NotPrincipal *principals
	Action       oneOrMore[string]
	NotAction    oneOrMore[string]
	Resource     oneOrMore[string]
	NotResource  oneOrMore[string]
	Condition    map[string]map[string]oneOrMore[any]
}

// principals are by kind; "*" alone is every AWS principal.
type principals map[string]oneOrMore[string]

// UnmarshalJSON implements [json.Unmarshaler].
func (p *principals) UnmarshalJSON(text []byte) error {
	var everybody string
	if err := json.Unmarshal(text, &everybody); err == nil {
		*p = principals{"AWS": {everybody}}
		return nil
	}
	return json.Unmarshal(text, (*map[string]oneOrMore[string])(p))
}

func malformed(format string, args ...any) error {
	return refuse("MalformedPolicyDocument", format, args...)
}

// parseDocument parses what every kind of policy has in common.
func parseDocument(text, notJSON string) (*document, error) {
	if !json.Valid([]byte(text)) {
		return nil, malformed("%s", notJSON)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var d document
	if err := decoder.Decode(&d); err != nil || len(d.Statement) == 0 {
		return nil, malformed("Syntax errors in policy.")
	}
	if d.Version != nil && *d.Version != "2012-10-17" && *d.Version != "2008-10-17" {
		return nil, malformed("The policy must contain a valid version string")
	}
	var sids []string
	for _, s := range d.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" || len(s.Action) > 0 && len(s.NotAction) > 0 || len(s.Resource) > 0 && len(s.NotResource) > 0 {
			return nil, malformed("Syntax errors in policy.")
		}
		if s.Sid != "" && slices.Contains(sids, s.Sid) {
			return nil, malformed("Statement IDs (SID) in a single policy must be unique.")
		}
		sids = append(sids, s.Sid)
	}
	return &d, nil
}

var (
	validSid    = regexp.MustCompile(`^[0-9A-Za-z]*$`)
	validAction = regexp.MustCompile(`^([a-zA-Z0-9-]+:[a-zA-Z0-9*?]+|\*)$`)
	validARN    = regexp.MustCompile(`^(\*|arn:(aws|aws-cn|aws-us-gov|\*):[^:]+:[^:]*:[^:]*:.+)$`)
)

// checkPermissions checks the document of a policy, which may have so many characters without white space.
func checkPermissions(text string, most int) error {
	if err := checkSize("PolicySize", text, most); err != nil {
		return err
	}
	d, err := parseDocument(text, "Syntax errors in policy.")
	if err != nil {
		return err
	}
	if d.Version == nil {
		return malformed("Policy document must be version 2012-10-17 or greater.")
	}
	for _, s := range d.Statement {
		actions, resources := slices.Concat(s.Action, s.NotAction), slices.Concat(s.Resource, s.NotResource)
		switch {
		case s.Principal != nil || s.NotPrincipal != nil:
			return malformed("Policy document should not specify a principal.")
		case !validSid.MatchString(s.Sid):
			return malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
		case len(actions) == 0:
			return malformed("Policy statement must contain actions.")
		case len(resources) == 0:
			return malformed("Policy statement must contain resources.")
		}
		for _, action := range actions {
			if !validAction.MatchString(action) {
				return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
		}
		for _, resource := range resources {
			if !validARN.MatchString(resource) {
				return malformed(`Resource %s must be in ARN format or "*".`, resource)
			}
		}
	}
	return nil
}

// checkTrust checks the trust policy of a role, and returns the identifiers of the roles that it trusts.
func (c *Cloud) checkTrust(text string) (trusted map[string]string, err error) {
	if err := checkSize("ACLSizePerRole", text, maxTrustSize); err != nil {
		return nil, err
	}
	d, err := parseDocument(text, "This policy contains invalid Json")
	if err != nil {
		return nil, err
	}
	trusted = map[string]string{}
	for _, s := range d.Statement {
		switch {
		case len(s.Resource) > 0 || len(s.NotResource) > 0:
			return nil, malformed("Has prohibited field Resource")
		case len(s.Action) == 0 && len(s.NotAction) == 0:
			return nil, malformed("Missing required field Action")
		case s.Principal == nil && s.NotPrincipal == nil:
			return nil, malformed("Missing required field Principal")
		}
		for _, action := range slices.Concat(s.Action, s.NotAction) {
			if !strings.HasPrefix(action, "sts:") && action != "*" {
				return nil, malformed("AssumeRole policy may only specify STS AssumeRole actions.")
			}
		}
		for _, named := range []*principals{s.Principal, s.NotPrincipal} {
			if err := c.checkPrincipals(named, trusted); err != nil {
				return nil, err
			}
		}
	}
	return trusted, nil
}

// checkPrincipals refuses principals that do not exist, and collects the identifiers of the roles among the others.
func (c *Cloud) checkPrincipals(named *principals, trusted map[string]string) error {
	if named == nil {
		return nil
	}
	for kind, values := range *named {
		for _, value := range values {
			id, valid := c.principalID(kind, value)
			if !valid {
				return malformed(`Invalid principal in policy: "%s":"%s"`, kind, value)
			}
			if id != "" {
				trusted[value] = id
			}
		}
	}
	return nil
}

// principalID tells whether there is such a principal, and gives its unique identifier if it has one.
func (c *Cloud) principalID(kind, value string) (id string, valid bool) {
	switch kind {
	case "Service":
		return "", strings.HasSuffix(value, ".amazonaws.com") || strings.HasSuffix(value, ".amazonaws.com.cn")
	case "Federated":
		return "", strings.HasPrefix(value, "arn:"+c.options.Partition+":iam::") || !strings.HasPrefix(value, "arn:") && strings.Contains(value, ".")
	case "AWS":
		return c.awsPrincipalID(value)
	}
	return "", kind == "CanonicalUser"
}

func (c *Cloud) awsPrincipalID(value string) (id string, valid bool) {
	own := fmt.Sprintf("arn:%s:iam::%s:", c.options.Partition, c.options.Account)
	resource, ours := strings.CutPrefix(value, own)
	switch {
	case value == "*" || validAccount.MatchString(value) || resource == "root":
		return "", true
	case !ours: // another account's principals cannot be looked up here
		return "", validARN.MatchString(value) && strings.HasPrefix(value, "arn:"+c.options.Partition+":")
	case strings.HasPrefix(resource, "role/"):
		r := c.roles.get(resource[strings.LastIndex(resource, "/")+1:])
		if r == nil || r.arn != value {
			return "", false
		}
		return r.id, true
	}
	for _, p := range c.principals {
		if p.arn == value {
			return p.userID, true
		}
	}
	return "", false
}

// shownTrust is the trust policy as IAM shows it: a role in it that was deleted, and perhaps created anew, appears by its identifier.
func (c *Cloud) shownTrust(r *role) string {
	text := r.trust
	for arn, id := range r.trusted {
		name := arn[strings.LastIndex(arn, "/")+1:]
		if now := c.roles.truth(name); strings.HasPrefix(id, "AROA") && (now == nil || now.id != id) {
			text = strings.ReplaceAll(text, `"`+arn+`"`, `"`+id+`"`)
		}
	}
	return text
}
