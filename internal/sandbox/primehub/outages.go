package primehub

import (
	"fmt"
	"slices"
)

// Backend is what the API stands on.
type Backend string

// The backends.
const (
	Keycloak   Backend = "keycloak"
	Kubernetes Backend = "kubernetes"
)

// Verb is what the API asks of a backend.
type Verb string

// The verbs: of Keycloak the first group, of Kubernetes the second.
const (
	Authenticate Verb = "authenticate" // exchange an API token
	ReadUsers    Verb = "read-users"
	ReadGroups   Verb = "read-groups" // groups and the roles mapped to them
	CreateRole   Verb = "create-role"
	MapRole      Verb = "map-role"
	DeleteRole   Verb = "delete-role"

	Read   Verb = "read"
	Create Verb = "create"
	Patch  Verb = "patch"
	Delete Verb = "delete"
)

var verbsOf = map[Backend][]Verb{
	Keycloak:   {Authenticate, ReadUsers, ReadGroups, CreateRole, MapRole, DeleteRole},
	Kubernetes: {Read, Create, Patch, Delete},
}

// Outage is a backend that does not do what it is asked.
type Outage struct {
	Backend Backend `json:"backend"`
	// Verb is what it does not do. Empty is all.
	Verb Verb `json:"verb,omitempty"`
	// Times is how often. Zero is until the outages are set anew.
	Times int `json:"times,omitempty"`
}

// SetOutages replaces the outages.
func (p *Platform) SetOutages(outages ...Outage) error {
	for _, o := range outages {
		verbs, known := verbsOf[o.Backend]
		switch {
		case !known:
			return fmt.Errorf("no backend is called %q; there are %q and %q", o.Backend, Keycloak, Kubernetes)
		case o.Verb != "" && !slices.Contains(verbs, o.Verb):
			return fmt.Errorf("nobody asks %s to %q; there are %q", o.Backend, o.Verb, verbs)
		case o.Times < 0:
			return fmt.Errorf("an outage cannot happen %d times", o.Times)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agenda.CatchUp()
	p.outages = slices.Clone(outages)
	return nil
}

// fails tells whether a backend fails to do what it is asked. The lock must be held.
func (p *Platform) fails(b Backend, v Verb) bool {
	i := slices.IndexFunc(p.outages, func(o Outage) bool { return o.Backend == b && (o.Verb == "" || o.Verb == v) })
	if i < 0 {
		return false
	}
	if p.outages[i].Times > 0 {
		if p.outages[i].Times--; p.outages[i].Times == 0 {
			p.outages = slices.Delete(p.outages, i, i+1)
		}
	}
	return true
}
