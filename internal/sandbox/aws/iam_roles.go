package aws

import (
	"slices"
	"strings"
	"time"
)

// role is an IAM role.
type role struct {
	name, path, id, arn, description string
	trust                            string
	trusted                          map[string]string // unique identifiers of the roles in it, by ARN
	created                          time.Time
	session                          int    // the longest session, in seconds
	boundary                         string // the ARN of a policy
	tags                             []tag
	attached                         []string // ARNs of policies
	inline                           []inlinePolicy
}

// roleXML is a role in answers.
type roleXML struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
	PermissionsBoundary      *boundaryXML
	Tags                     *members[tag]
	RoleLastUsed             *struct{}
}

type boundaryXML struct {
	PermissionsBoundaryType string
	PermissionsBoundaryArn  string
}

type roleResult struct {
	Role roleXML
}

// roleXML is the role as lists show it, without boundary and tags.
func (c *Cloud) roleXML(r *role) roleXML {
	return roleXML{
		Path: r.path, RoleName: r.name, RoleID: r.id, Arn: r.arn, CreateDate: timestamp(r.created),
		AssumeRolePolicyDocument: encoded(c.shownTrust(r)), Description: r.description, MaxSessionDuration: r.session,
	}
}

// wholeRoleXML is the role as it is shown alone.
func (c *Cloud) wholeRoleXML(r *role) roleXML {
	shown := c.roleXML(r)
	if r.boundary != "" {
		shown.PermissionsBoundary = &boundaryXML{"PermissionsBoundaryPolicy", r.boundary}
	}
	if len(r.tags) > 0 {
		shown.Tags = &members[tag]{r.tags}
	}
	return shown
}

func noSuchRole(name string) error {
	return refuse("NoSuchEntity", "The role with name %s cannot be found.", name)
}

// roleOf finds the role that a call is about.
func (c *Cloud) roleOf(in params) (*role, error) {
	name := in.Get("RoleName")
	if err := checkName("RoleName", name, 64); err != nil {
		return nil, err
	}
	if r := c.roles.get(name); r != nil {
		return r, nil
	}
	return nil, noSuchRole(name)
}

// updateARole changes the role that a call has found.
func (c *Cloud) updateARole(in params, change func(*role) error) error {
	r, err := c.roleOf(in)
	if err != nil {
		return err
	}
	return c.roles.update(r.name, noSuchRole(r.name), change)
}

func (c *Cloud) createRole(in params) (*roleResult, error) {
	r := role{
		name: in.Get("RoleName"), id: c.uniqueID("AROA"), description: in.Get("Description"), created: c.now,
		trust: in.Get("AssumeRolePolicyDocument"), boundary: in.Get("PermissionsBoundary"),
	}
	if err := checkName("RoleName", r.name, 64); err != nil {
		return nil, err
	}
	var err error
	if r.path, err = checkPath(in.Get("Path")); err != nil {
		return nil, err
	}
	if err := checkDescription(r.description); err != nil {
		return nil, err
	}
	if r.session, err = in.number("MaxSessionDuration", 3600, 3600, 43200); err != nil {
		return nil, err
	}
	if r.tags, err = mergeTags(nil, in.tags()); err != nil {
		return nil, err
	}
	if r.trusted, err = c.checkTrust(r.trust); err != nil {
		return nil, err
	}
	if err := c.checkBoundary(r.boundary); err != nil {
		return nil, err
	}
	for name, h := range c.roles.things { // names are unique whatever the path, and the case
		if h.newest() != nil && strings.EqualFold(name, r.name) {
			return nil, refuse("EntityAlreadyExists", "Role with name %s already exists.", r.name)
		}
	}
	r.arn = c.arn(iamService, "role"+r.path+r.name)
	c.roles.set(r.name, &r)
	return &roleResult{c.wholeRoleXML(&r)}, nil
}

func (c *Cloud) getRole(in params) (*roleResult, error) {
	r, err := c.roleOf(in)
	if err != nil {
		return nil, err
	}
	shown := c.wholeRoleXML(r)
	shown.RoleLastUsed = &struct{}{}
	return &roleResult{shown}, nil
}

type rolesResult struct {
	Roles       members[roleXML]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

func (c *Cloud) listRoles(in params) (*rolesResult, error) {
	var found []roleXML
	for r := range c.roles.all() {
		if strings.HasPrefix(r.path, in.Get("PathPrefix")) {
			found = append(found, c.roleXML(r))
		}
	}
	page, marker, err := pageOf(in, found, func(r roleXML) string { return r.RoleName })
	return &rolesResult{members[roleXML]{page}, marker != "", marker}, err
}

func (c *Cloud) updateRole(in params) (*struct{}, error) {
	return &struct{}{}, c.updateARole(in, func(r *role) (err error) {
		if in.Has("Description") {
			r.description = in.Get("Description")
		}
		if r.session, err = in.number("MaxSessionDuration", r.session, 3600, 43200); err != nil {
			return err
		}
		return checkDescription(r.description)
	})
}

func (c *Cloud) updateAssumeRolePolicy(in params) error {
	return c.updateARole(in, func(r *role) (err error) {
		r.trust = in.Get("PolicyDocument")
		r.trusted, err = c.checkTrust(r.trust)
		return err
	})
}

func (c *Cloud) deleteRole(in params) error {
	r, err := c.roleOf(in)
	if err != nil {
		return err
	}
	switch truth := c.roles.truth(r.name); {
	case truth == nil:
		return noSuchRole(r.name)
	case len(truth.attached) > 0:
		return refuse("DeleteConflict", "Cannot delete entity, must detach all policies first.")
	case len(truth.inline) > 0:
		return refuse("DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	c.roles.set(r.name, nil)
	return nil
}

func (c *Cloud) tagRole(in params) error {
	return c.updateARole(in, func(r *role) (err error) {
		r.tags, err = mergeTags(r.tags, in.tags())
		return err
	})
}

func (c *Cloud) untagRole(in params) error {
	return c.updateARole(in, func(r *role) error {
		r.tags = withoutTags(r.tags, in.list("TagKeys"))
		return nil
	})
}

func (c *Cloud) listRoleTags(in params) (tagsResult, error) {
	r, err := c.roleOf(in)
	if err != nil {
		return tagsResult{}, err
	}
	return listTags(in, r.tags)
}

// checkBoundary checks the ARN of a permissions boundary, or none.
func (c *Cloud) checkBoundary(arn string) error {
	if arn != "" && c.policies.get(arn) == nil && !c.isManagedByAWS(arn) {
		return refuse("NoSuchEntity", "Scope ARN: %s does not exist or is not attachable.", arn)
	}
	return nil
}

func (c *Cloud) putRolePermissionsBoundary(in params) error {
	if err := c.checkBoundary(in.Get("PermissionsBoundary")); err != nil {
		return err
	}
	return c.updateARole(in, func(r *role) error {
		r.boundary = in.Get("PermissionsBoundary")
		return nil
	})
}

func (c *Cloud) deleteRolePermissionsBoundary(in params) error {
	return c.updateARole(in, func(r *role) error {
		if r.boundary == "" {
			return refuse("NoSuchEntity", "The role with name %s does not have a permissions boundary.", r.name)
		}
		r.boundary = ""
		return nil
	})
}

// copyWithout is the list without a value.
func copyWithout(list []string, value string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == value })
}
