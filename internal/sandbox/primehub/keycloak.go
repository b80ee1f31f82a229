package primehub

import (
	"net/http"
	"slices"
	"time"
)

// everyoneID is the id of the group that everybody is in.
const everyoneID = "group-everyone"

// group is a group of Keycloak.
type group struct {
	Group
	id string
	// images are the names of the images whose role is mapped to the group.
	images map[string]bool
}

func newGroup(g Group) *group { return &group{Group: g, id: g.id(), images: map[string]bool{}} }

func (p *Platform) everyone() *group { return p.groupByID(everyoneID) }

func (p *Platform) groupByID(id string) *group {
	i := slices.IndexFunc(p.groups, func(g *group) bool { return g.id == id })
	if i < 0 {
		return nil
	}
	return p.groups[i]
}

// createRole makes the role of an image.
func (p *Platform) createRole(name string) error {
	switch {
	case p.fails(Keycloak, CreateRole):
		return keycloakDown()
	case p.roles[name]:
		return refuse(codeConflict, "Resource already exist")
	}
	p.roles[name] = true
	return nil
}

// deleteRole deletes the role of an image, and its mappings with it.
func (p *Platform) deleteRole(name string) error {
	switch {
	case p.fails(Keycloak, DeleteRole):
		return keycloakDown()
	case !p.roles[name]:
		return keycloakFailed(http.StatusNotFound)
	}
	p.removeRole(name)
	return nil
}

func (p *Platform) removeRole(name string) {
	delete(p.roles, name)
	for _, g := range p.groups {
		delete(g.images, name)
	}
}

// mapRole maps the role of an image to a group, or unmaps it. Repeating either is fine.
func (p *Platform) mapRole(name, groupID string, mapped bool) error {
	if p.fails(Keycloak, MapRole) {
		return keycloakDown()
	}
	if !p.roles[name] {
		return typeError("Cannot read properties of null (reading 'id')")
	}
	g := p.groupByID(groupID)
	if g == nil {
		return keycloakFailed(http.StatusNotFound)
	}
	if mapped {
		g.images[name] = true
	} else {
		delete(g.images, name)
	}
	return nil
}

// groupsOfImage are the groups that may use an image, everyone not among them: one call of Keycloak for each group there is.
func (p *Platform) groupsOfImage(name string) ([]*group, error) {
	if p.fails(Keycloak, ReadGroups) {
		return nil, keycloakDown()
	}
	var groups []*group
	for _, g := range p.groups {
		p.keycloakCalls++
		if g.id != everyoneID && g.images[name] {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// isGlobal tells whether everyone may use an image.
func (p *Platform) isGlobal(name string) (bool, error) {
	if p.fails(Keycloak, ReadGroups) {
		return false, keycloakDown()
	}
	p.keycloakCalls++
	return p.everyone().images[name], nil
}

// watcherHears is the watcher of images, late: it deletes the role of an image that is gone. If there is a new one of that name, it hears of
// it next, and makes a role that no group has.
func (p *Platform) watcherHears(name string) {
	p.removeRole(name)
	if p.images[name] != nil {
		p.roles[name] = true
	}
}

// relist is what the watcher does every ten minutes: every image gets its role.
func (p *Platform) relist(name string, at time.Time) {
	p.agenda.Plan(at.Add(p.options.RelistTime), func(time.Time) {
		if p.images[name] != nil {
			p.roles[name] = true
		}
	})
}

func keycloakDown() error {
	return refuse(codeInternalServer, "connect ECONNREFUSED keycloak:8080")
}
