package primehub

import (
	"fmt"
	"slices"
	"time"
)

// APIToken is the token of the first administrator of the platform. Empty if there is none.
func (p *Platform) APIToken() string {
	if i := slices.IndexFunc(p.options.Users, func(u User) bool { return u.Admin }); i >= 0 {
		return p.options.Users[i].Token
	}
	return ""
}

// DefaultGroup is the name of the first group. Empty if there is none.
func (p *Platform) DefaultGroup() string {
	if len(p.options.Groups) == 0 {
		return ""
	}
	return p.options.Groups[0].Name
}

// SetToken gives a user another API token. The one before is revoked, which the platform may not notice for a while.
func (p *Platform) SetToken(username, token string) error {
	return p.do(func(time.Time) error {
		u := p.userNamed(username)
		if u == nil {
			return fmt.Errorf("no user is called %q", username)
		}
		u.Token = token
		return nil
	})
}

// SetUserGroups puts a user into these groups, and out of all others.
func (p *Platform) SetUserGroups(username string, groups ...string) error {
	return p.do(func(time.Time) error {
		u := p.userNamed(username)
		if u == nil {
			return fmt.Errorf("no user is called %q", username)
		}
		for _, name := range groups {
			if p.groupNamed(name) == nil {
				return fmt.Errorf("no group is called %q", name)
			}
		}
		u.Groups = slices.Clone(groups)
		return nil
	})
}

func (p *Platform) groupNamed(name string) *group {
	if i := slices.IndexFunc(p.groups, func(g *group) bool { return g.Name == name }); i >= 0 {
		return p.groups[i]
	}
	return nil
}

// AddGroup adds a group.
func (p *Platform) AddGroup(g Group) error {
	return p.do(func(time.Time) error {
		if g.Name == "" || p.groupNamed(g.Name) != nil || p.groupByID(g.id()) != nil {
			return fmt.Errorf("a group needs a name and an id that no other has, and not %q", g.Name)
		}
		p.groups = append(p.groups, newGroup(g))
		return nil
	})
}

// RemoveGroup deletes a group. Its images stay, and still name it (internal/primehub/CONTRACT.md §3.1).
func (p *Platform) RemoveGroup(name string) error {
	return p.do(func(time.Time) error {
		g := p.groupNamed(name)
		if g == nil || g.id == everyoneID {
			return fmt.Errorf("no group is called %q that can be deleted", name)
		}
		p.groups = slices.DeleteFunc(p.groups, func(other *group) bool { return other == g })
		return nil
	})
}

// AddSecret adds a secret. Builds that waited for it go on.
func (p *Platform) AddSecret(s Secret) error {
	return p.do(func(time.Time) error {
		if _, exists := p.findSecret(s.id()); s.Name == "" || exists != nil {
			return fmt.Errorf("a secret needs a name that no other has, and not %q", s.Name)
		}
		p.addSecret(&s)
		return nil
	})
}

// RemoveSecret deletes a secret by its id, see [Secret].
func (p *Platform) RemoveSecret(id string) error {
	return p.do(func(time.Time) error {
		s, _ := p.findSecret(id)
		if s == nil {
			return fmt.Errorf("no secret has the id %q", id)
		}
		p.secrets = slices.DeleteFunc(p.secrets, func(other *Secret) bool { return other == s })
		return nil
	})
}
