package aws

import (
	"slices"
	"strings"
)

// isManagedByAWS tells whether a policy is one of AWS's own. They can be attached, and have no document.
func (c *Cloud) isManagedByAWS(arn string) bool {
	_, found := c.managedActions(arn)
	return found
}

func (c *Cloud) attachRolePolicy(in params) error {
	arn := in.Get("PolicyArn")
	return c.updateARole(in, func(r *role) error {
		switch {
		case !c.isManagedByAWS(arn) && (c.policies.get(arn) == nil || !c.policies.taken(arn)):
			return refuse("NoSuchEntity", "Policy %s does not exist or is not attachable.", arn)
		case slices.Contains(r.attached, arn):
			return nil
		case len(r.attached) >= maxPoliciesPerRole:
			return refuse("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: %d", maxPoliciesPerRole)
		}
		r.attached = append(slices.Clone(r.attached), arn)
		return nil
	})
}

func (c *Cloud) detachRolePolicy(in params) error {
	arn := in.Get("PolicyArn")
	return c.updateARole(in, func(r *role) error {
		if !slices.Contains(r.attached, arn) {
			return noSuchPolicy(arn)
		}
		r.attached = copyWithout(r.attached, arn)
		return nil
	})
}

type attachedXML struct {
	PolicyName string
	PolicyArn  string
}

type attachedResult struct {
	AttachedPolicies members[attachedXML]
	IsTruncated      bool
	Marker           string `xml:",omitempty"`
}

func (c *Cloud) listAttachedRolePolicies(in params) (*attachedResult, error) {
	r, err := c.roleOf(in)
	if err != nil {
		return nil, err
	}
	var attached []attachedXML
	for _, arn := range r.attached {
		_, resource, _ := strings.Cut(arn, ":policy/")
		path, name := "/", resource
		if i := strings.LastIndex(resource, "/"); i >= 0 {
			path, name = "/"+resource[:i+1], resource[i+1:]
		}
		if strings.HasPrefix(path, in.Get("PathPrefix")) {
			attached = append(attached, attachedXML{name, arn})
		}
	}
	page, marker, err := pageOf(in, attached, func(a attachedXML) string { return a.PolicyArn })
	return &attachedResult{members[attachedXML]{page}, marker != "", marker}, err
}

// profilesResult lists what roles here never have.
type profilesResult struct {
	InstanceProfiles members[string]
	IsTruncated      bool
}

func (c *Cloud) listInstanceProfilesForRole(in params) (*profilesResult, error) {
	_, err := c.roleOf(in)
	return &profilesResult{}, err
}

type entityXML struct {
	RoleName string
	RoleID   string `xml:"RoleId"`
}

type entitiesResult struct {
	PolicyGroups members[string]
	PolicyUsers  members[string]
	PolicyRoles  members[entityXML]
	IsTruncated  bool
	Marker       string `xml:",omitempty"`
}

// listEntitiesForPolicy finds roles only: there are no groups, and users have no policies.
func (c *Cloud) listEntitiesForPolicy(in params) (*entitiesResult, error) {
	p, err := c.policyOf(in)
	if err != nil {
		return nil, err
	}
	filter, usage := in.Get("EntityFilter"), in.Get("PolicyUsageFilter")
	var found []entityXML
	for r := range c.roles.all() {
		if filter != "" && filter != "Role" || !strings.HasPrefix(r.path, in.Get("PathPrefix")) {
			continue
		}
		permits := slices.Contains(r.attached, p.arn) && usage != "PermissionsBoundary"
		bounds := r.boundary == p.arn && usage != "PermissionsPolicy"
		if permits || bounds {
			found = append(found, entityXML{r.name, r.id})
		}
	}
	page, marker, err := pageOf(in, found, func(e entityXML) string { return e.RoleName })
	return &entitiesResult{PolicyRoles: members[entityXML]{page}, IsTruncated: marker != "", Marker: marker}, err
}
