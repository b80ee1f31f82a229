package aws

import (
	"slices"
	"strings"
)

// inlinePolicy is a policy that is part of a role.
type inlinePolicy struct{ name, document string }

// maxInlineSize is what the inline policies of a role may have together, in characters without white space.
const maxInlineSize = 10240

func (r *role) inlineAt(name string) int {
	return slices.IndexFunc(r.inline, func(p inlinePolicy) bool { return p.name == name })
}

func noSuchRolePolicy(name string) error {
	return refuse("NoSuchEntity", "The role policy with name %s cannot be found.", name)
}

// putRolePolicy adds an inline policy, or replaces the one of that name.
func (c *Cloud) putRolePolicy(in params) error {
	put := inlinePolicy{in.Get("PolicyName"), in.Get("PolicyDocument")}
	if err := checkName("PolicyName", put.name, 128); err != nil {
		return err
	}
	if err := checkPermissions(put.document, maxInlineSize); err != nil {
		return err
	}
	return c.updateARole(in, func(r *role) error {
		r.inline = append(slices.DeleteFunc(slices.Clone(r.inline), func(p inlinePolicy) bool { return p.name == put.name }), put)
		var all strings.Builder
		for _, p := range r.inline {
			all.WriteString(p.document)
		}
		return checkSize("PolicySize", all.String(), maxInlineSize)
	})
}

type inlineResult struct {
	RoleName       string
	PolicyName     string
	PolicyDocument string
}

func (c *Cloud) getRolePolicy(in params) (*inlineResult, error) {
	r, err := c.roleOf(in)
	if err != nil {
		return nil, err
	}
	name := in.Get("PolicyName")
	if i := r.inlineAt(name); i >= 0 {
		return &inlineResult{r.name, name, encoded(r.inline[i].document)}, nil
	}
	return nil, noSuchRolePolicy(name)
}

func (c *Cloud) deleteRolePolicy(in params) error {
	name := in.Get("PolicyName")
	return c.updateARole(in, func(r *role) error {
		i := r.inlineAt(name)
		if i < 0 {
			return noSuchRolePolicy(name)
		}
		r.inline = slices.Delete(slices.Clone(r.inline), i, i+1)
		return nil
	})
}

type inlineNames struct {
	PolicyNames members[string]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

func (c *Cloud) listRolePolicies(in params) (*inlineNames, error) {
	r, err := c.roleOf(in)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range r.inline {
		names = append(names, p.name)
	}
	slices.Sort(names)
	page, marker, err := pageOf(in, names, func(name string) string { return name })
	return &inlineNames{members[string]{page}, marker != "", marker}, err
}
