package aws

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// denial is an action that a principal may not do.
type denial struct {
	principal *regexp.Regexp
	action    *regexp.Regexp
	explicit  bool
}

// Deny refuses actions, such as "ecr:PutLifecyclePolicy" or "iam:*", to the principals whose ARN matches; * stands for any text. Pulls and
// pushes are the actions that ECR asks for, such as "ecr:PutImage". An explicit denial is one by a policy that says so.
func (c *Cloud) Deny(principalARN string, explicit bool, actions ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, action := range actions {
		c.denials = append(c.denials, denial{wildcard(principalARN), wildcard(action), explicit})
	}
}

// Allow takes back every denial.
func (c *Cloud) Allow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denials = nil
}

// wildcard is a pattern in which * stands for any text, and ? for any character, whatever their case.
func wildcard(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?is)^` + strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern)) + `$`)
}

// permit refuses what was denied, and to the session of a role what its policies do not allow. GetCallerIdentity needs no permission, and
// who may assume a role is a matter of the role.
func (c *Cloud) permit(call *call) error {
	if call.by == nil || call.name == "GetCallerIdentity" {
		return nil
	}
	for _, resource := range c.resourcesOf(call) {
		if sentence := c.denied(call.by, call.service+":"+call.name, resource); sentence != "" {
			return call.refuse("AccessDenied", "AccessDeniedException", "%s", sentence)
		}
	}
	return nil
}

// denied is the sentence with which AWS denies an action, or empty.
func (c *Cloud) denied(by *principal, action, resource string) string {
	verdict := c.verdict(by, action, resource)
	if verdict == allowed {
		return ""
	}
	reason := "because no identity-based policy allows the " + action + " action"
	if verdict == forbidden {
		reason = "with an explicit deny in an identity-based policy"
	}
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", by.arn, action, resource, reason)
}

// verdict is what policies say about an action.
type verdict int

const (
	silent verdict = iota // no policy says anything, which is not enough
	allowed
	forbidden
)

// verdict is what is said about an action: by [Cloud.Deny] of everybody, and by the policies of its role of a session. Users may do
// everything else.
func (c *Cloud) verdict(by *principal, action, resource string) verdict {
	denied := false
	for _, d := range c.denials {
		if d.principal.MatchString(by.arn) && d.action.MatchString(action) {
			if d.explicit {
				return forbidden
			}
			denied = true
		}
	}
	if denied {
		return silent
	}
	if by.role == "" || action == "sts:AssumeRole" {
		return allowed
	}
	r := c.roles.get(by.role[strings.LastIndex(by.role, "/")+1:])
	if r == nil {
		return silent
	}
	verdict := c.verdictOf(r.attached, r.inline, action, resource)
	if r.boundary == "" || verdict != allowed {
		return verdict
	}
	return c.verdictOf([]string{r.boundary}, nil, action, resource)
}

// managedByAWS are AWS's own policies that there are, and the actions that they allow.
var managedByAWS = map[string]string{
	"AdministratorAccess":                  "*",
	"IAMFullAccess":                        "iam:*",
	"AmazonEC2ContainerRegistryFullAccess": "ecr:*",
}

// managedActions are the actions that a policy of AWS's own allows.
func (c *Cloud) managedActions(arn string) (actions string, found bool) {
	name, own := strings.CutPrefix(arn, "arn:"+c.options.Partition+":iam::aws:policy/")
	actions, found = managedByAWS[name]
	return actions, own && found
}

// verdictOf is what policies say together: one that forbids is enough. Statements with conditions are not counted among those that allow.
func (c *Cloud) verdictOf(arns []string, inline []inlinePolicy, action, resource string) verdict {
	said := silent
	documents := make([]string, 0, len(arns)+len(inline))
	for _, p := range inline {
		documents = append(documents, p.document)
	}
	for _, arn := range arns {
		if actions, found := c.managedActions(arn); found && wildcard(actions).MatchString(action) {
			said = allowed
		}
		if p := c.policies.get(arn); p != nil {
			i := slices.IndexFunc(p.versions, func(v version) bool { return v.id == p.standard })
			documents = append(documents, p.versions[i].document)
		}
	}
	for _, text := range documents {
		d, err := parseDocument(text, "")
		if err != nil {
			panic(err) // it was checked when it was put
		}
		for _, s := range d.Statement {
			switch {
			case !s.isAbout(action, resource):
			case s.Effect == "Deny":
				return forbidden
			case len(s.Condition) == 0:
				said = allowed
			}
		}
	}
	return said
}

// isAbout tells whether a statement is about an action on a resource.
func (s statement) isAbout(action, resource string) bool {
	matches := func(text string) func(string) bool {
		return func(pattern string) bool { return wildcard(pattern).MatchString(text) }
	}
	about := func(yes, no oneOrMore[string], text string) bool {
		return slices.ContainsFunc(yes, matches(text)) || len(no) > 0 && !slices.ContainsFunc(no, matches(text))
	}
	return about(s.Action, s.NotAction, action) && about(s.Resource, s.NotResource, resource)
}

// resourcesOf are the ARNs of what a call is about.
func (c *Cloud) resourcesOf(call *call) []string {
	switch {
	case call.isREST():
		return []string{c.domainARN(call.form.Get("domain"))}
	case call.isJSON():
		return c.repositoriesOf(call)
	}
	form := call.form
	switch path := orDefault(form.Get("Path"), "/"); {
	case form.Get("RoleArn") != "":
		return []string{form.Get("RoleArn")}
	case form.Get("RoleName") != "":
		if r := c.roles.truth(form.Get("RoleName")); r != nil {
			return []string{r.arn}
		}
		return []string{c.arn(iamService, "role"+path+form.Get("RoleName"))}
	case form.Get("PolicyArn") != "":
		return []string{form.Get("PolicyArn")}
	case form.Get("PolicyName") != "":
		return []string{c.arn(iamService, "policy"+path+form.Get("PolicyName"))}
	}
	return []string{"*"}
}

// repositoriesOf are the ARNs of the repositories that a call of ECR is about. A list of all of them is about each there could be.
func (c *Cloud) repositoriesOf(call *call) []string {
	var in struct {
		RepositoryName  string   `json:"repositoryName"`
		RepositoryNames []string `json:"repositoryNames"`
		ResourceARN     string   `json:"resourceArn"`
	}
	_ = json.Unmarshal(call.body, &in) // what is wrong is refused later
	switch {
	case in.ResourceARN != "":
		return []string{in.ResourceARN}
	case in.RepositoryName != "":
		return []string{c.repositoryARN(in.RepositoryName)}
	case call.name != "DescribeRepositories":
		return []string{"*"}
	case len(in.RepositoryNames) == 0:
		return []string{c.repositoryARN("*")}
	}
	var arns []string
	for _, name := range in.RepositoryNames {
		arns = append(arns, c.repositoryARN(name))
	}
	return arns
}
