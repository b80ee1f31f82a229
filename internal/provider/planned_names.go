package provider

import (
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// plannedNames are the names of the images that this walk of Terraform has planned. The zero value is ready.
type plannedNames struct {
	mu     sync.Mutex
	byName map[string]plannedName
}

// plannedName is the plan of an image that is to be created, or that exists and stays.
type plannedName struct {
	config  tftypes.Value
	creates bool
}

// twice notes a plan, and tells whether another resource creates an image of the same name, or has it. Terraform plans one
// resource twice if it replaces it on request (-replace): as it stays, and then, from the same configuration, as it is created.
func (p *plannedNames) twice(name string, now plannedName) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byName == nil {
		p.byName = map[string]plannedName{}
	}
	first, found := p.byName[name]
	p.byName[name] = now
	switch {
	case !found || !first.creates && !now.creates:
		return false
	case first.creates && now.creates:
		return true
	default:
		return !first.config.Equal(now.config)
	}
}
