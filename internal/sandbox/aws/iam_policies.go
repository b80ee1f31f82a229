package aws

import (
	"slices"
	"strings"
	"time"
)

// policy is a managed policy.
type policy struct {
	name, path, id, arn, description string
	created, updated                 time.Time
	versions                         []version
	last                             int // the number of the last version there was
	standard                         string
	tags                             []tag
}

// policyXML is a policy in answers.
type policyXML struct {
	PolicyName                    string
	PolicyID                      string `xml:"PolicyId"`
	Arn                           string
	Path                          string
	DefaultVersionID              string `xml:"DefaultVersionId"`
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string `xml:",omitempty"`
	CreateDate                    string
	UpdateDate                    string
	Tags                          *members[tag]
}

type policyResult struct {
	Policy policyXML
}

// xml is the policy as lists show it, without description and tags.
func (c *Cloud) policyXML(p *policy) policyXML {
	attached, boundaries := c.usesOf(p.arn)
	return policyXML{
		PolicyName: p.name, PolicyID: p.id, Arn: p.arn, Path: p.path, DefaultVersionID: p.standard,
		AttachmentCount: attached, PermissionsBoundaryUsageCount: boundaries, IsAttachable: true,
		CreateDate: timestamp(p.created), UpdateDate: timestamp(p.updated),
	}
}

// usesOf counts the roles that a policy is attached to, and those that it bounds.
func (c *Cloud) usesOf(arn string) (attached, boundaries int) {
	for _, h := range c.roles.things {
		r := h.newest()
		if r == nil {
			continue
		}
		if slices.Contains(r.attached, arn) {
			attached++
		}
		if r.boundary == arn {
			boundaries++
		}
	}
	return attached, boundaries
}

// policyOf finds the policy that a call is about.
func (c *Cloud) policyOf(in params) (*policy, error) {
	arn := in.Get("PolicyArn")
	if !strings.HasPrefix(arn, "arn:") {
		return nil, refuse("ValidationError", "ARN %s is not valid.", arn)
	}
	if p := c.policies.get(arn); p != nil {
		return p, nil
	}
	return nil, noSuchPolicy(arn)
}

func noSuchPolicy(arn string) error { return refuse("NoSuchEntity", "Policy %s was not found.", arn) }

// updatePolicy changes the policy that a call has found.
func (c *Cloud) updatePolicy(in params, change func(*policy) error) error {
	p, err := c.policyOf(in)
	if err != nil {
		return err
	}
	return c.policies.update(p.arn, noSuchPolicy(p.arn), change)
}

func (c *Cloud) createPolicy(in params) (*policyResult, error) {
	p := policy{
		name: in.Get("PolicyName"), id: c.uniqueID("ANPA"), description: in.Get("Description"), created: c.now, updated: c.now,
		versions: []version{{"v1", in.Get("PolicyDocument"), c.now}}, last: 1, standard: "v1",
	}
	if err := checkName("PolicyName", p.name, 128); err != nil {
		return nil, err
	}
	var err error
	if p.path, err = checkPath(in.Get("Path")); err != nil {
		return nil, err
	}
	if err := checkDescription(p.description); err != nil {
		return nil, err
	}
	if err := checkPermissions(in.Get("PolicyDocument"), maxPolicySize); err != nil {
		return nil, err
	}
	if p.tags, err = mergeTags(nil, in.tags()); err != nil {
		return nil, err
	}
	p.arn = c.arn(iamService, "policy"+p.path+p.name)
	for arn, h := range c.policies.things { // names are unique whatever the path, and the case
		if h.newest() != nil && strings.EqualFold(arn[strings.LastIndex(arn, "/")+1:], p.name) {
			return nil, refuse("EntityAlreadyExists", "A policy called %s already exists. Duplicate names are not allowed.", p.name)
		}
	}
	c.policies.set(p.arn, &p)
	result := &policyResult{c.policyXML(&p)}
	if len(p.tags) > 0 {
		result.Policy.Tags = &members[tag]{p.tags}
	}
	return result, nil
}

func (c *Cloud) getPolicy(in params) (*policyResult, error) {
	p, err := c.policyOf(in)
	if err != nil {
		return nil, err
	}
	result := &policyResult{c.policyXML(p)}
	result.Policy.Description, result.Policy.Tags = p.description, &members[tag]{p.tags}
	return result, nil
}

type policiesResult struct {
	Policies    members[policyXML]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

func (c *Cloud) listPolicies(in params) (*policiesResult, error) {
	var found []policyXML
	for p := range c.policies.all() {
		if in.Get("Scope") == "AWS" || !strings.HasPrefix(p.path, in.Get("PathPrefix")) {
			continue
		}
		shown := c.policyXML(p)
		if in.Get("OnlyAttached") == "true" && shown.AttachmentCount == 0 {
			continue
		}
		found = append(found, shown)
	}
	page, marker, err := pageOf(in, found, func(p policyXML) string { return p.PolicyName })
	return &policiesResult{members[policyXML]{page}, marker != "", marker}, err
}

func (c *Cloud) deletePolicy(in params) error {
	p, err := c.policyOf(in)
	if err != nil {
		return err
	}
	truth := c.policies.truth(p.arn)
	if truth == nil {
		return noSuchPolicy(p.arn)
	}
	switch attached, boundaries := c.usesOf(p.arn); {
	case attached > 0:
		return refuse("DeleteConflict", "Cannot delete a policy attached to entities.")
	case boundaries > 0:
		return refuse("DeleteConflict", "Cannot delete a policy used as a permissions boundary.")
	case len(truth.versions) > 1:
		return refuse("DeleteConflict", "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "+
			"The default version is deleted with the policy.")
	}
	c.policies.set(p.arn, nil)
	return nil
}

func (c *Cloud) tagPolicy(in params) error {
	return c.updatePolicy(in, func(p *policy) (err error) {
		p.tags, err = mergeTags(p.tags, in.tags())
		return err
	})
}

func (c *Cloud) untagPolicy(in params) error {
	return c.updatePolicy(in, func(p *policy) error {
		p.tags = withoutTags(p.tags, in.list("TagKeys"))
		return nil
	})
}

func (c *Cloud) listPolicyTags(in params) (tagsResult, error) {
	p, err := c.policyOf(in)
	if err != nil {
		return tagsResult{}, err
	}
	return listTags(in, p.tags)
}
