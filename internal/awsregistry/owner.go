package awsregistry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"

	"github.com/managed-images/terraform-provider-rime/internal/lifeline"
)

// ownership tells what the caller may change and delete.
type ownership struct {
	// owners are what the caller puts on what it makes.
	owners []string
	// known are the ids of what the caller's state has.
	known []Known
	// adopted tells that what is known is the caller's whatever owner it carries.
	adopted bool
	// debris is what dead runs left. Nil: nothing is taken over from them.
	debris *debris
}

// ownership is that of everything the specs ask for.
func (c *Client) ownership(specs ...RegistrySpec) ownership {
	ours := ownership{debris: &c.debris}
	for _, spec := range specs {
		ours.owners, ours.known, ours.adopted = append(ours.owners, spec.Owner), append(ours.known, spec.Known), ours.adopted || spec.Adopted
	}
	return ours
}

// covers tells whether something with that owner on it is the caller's. What a run of Terraform made here that died before anybody saved its state is, too: it has
// the caller's names, and nobody else will ever ask for it.
func (o ownership) covers(owner string) bool {
	return owner != "" && (slices.Contains(o.owners, owner) || o.debris != nil && o.debris.inherit(owner))
}

// knows tells whether something that has no owner on it is the caller's by its id: its tag was taken off.
func (o ownership) knows(owner, id string, idOf func(Known) string) bool {
	if id == "" || owner != "" && !o.adopted {
		return false
	}
	return slices.ContainsFunc(o.known, func(k Known) bool { return idOf(k) == id })
}

func (o ownership) coversRole(name string, role *Role) bool {
	return role != nil && (o.knows(role.Owner, role.ID, func(k Known) string { return k.Roles[name] }) || o.covers(role.Owner))
}

func (o ownership) coversPolicy(name string, policy *Policy) bool {
	return policy != nil && (o.knows(policy.Owner, policy.ID, func(k Known) string { return k.Policies[name] }) || o.covers(policy.Owner))
}

func (o ownership) coversTemplate(t *Template) bool {
	return t != nil && (o.knows(t.Owner, t.ID, func(k Known) string { return k.Templates[t.Prefix] }) || o.covers(t.Owner))
}

// claims are what this client was told to be in a state.
type claims struct {
	mu     sync.Mutex
	owners []string
	known  []Known
	// planned are the registries that this process was asked to plan.
	planned []Neighbour
}

// ownership is that of the spec and of everything claimed. It takes nothing over: that is for a change.
func (c *claims) ownership(spec RegistrySpec) ownership {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ownership{
		owners: append(slices.Clone(c.owners), spec.Owner), known: append(slices.Clone(c.known), spec.Known), adopted: spec.Adopted,
	}
}

// whyForeign is how something was seen to be somebody else's, by the owner on it and where that is written.
func whyForeign(owner, where string) string {
	if owner == "" {
		return where + " does not name an owner, so that it was made by something else"
	}
	return where + " names the owner " + quote(owner) + ", which is another resource, or one whose state is lost"
}

// NewOwner returns what is to be the [RegistrySpec.Owner] of a registry that is about to be created: a name nobody else has. From now on, until [Client.Settle], the death of this
// process lets the next run in this directory take over what carries it.
func (c *Client) NewOwner() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails, by its documentation
	owner := hex.EncodeToString(random)
	c.debris.creations.Begin(c.debris.lifeline(owner))
	return owner
}

// Claim tells that a state has what the spec asks for, so that nobody takes it for what a run left that died, and no plan of
// this process takes it for somebody else's.
func (c *Client) Claim(spec RegistrySpec) {
	c.claims.mu.Lock()
	defer c.claims.mu.Unlock()
	c.claims.owners, c.claims.known = append(c.claims.owners, spec.Owner), append(c.claims.known, spec.Known)
	if spec.Owner != "" {
		c.debris.creations.Lines.Forget(c.debris.lifeline(spec.Owner))
	}
}

// Settle tells that Terraform has ended in good order, and so has saved its state. An end after an interrupt is in no good order: whoever presses Ctrl-C twice may
// get no state.
func (c *Client) Settle() { c.debris.settle() }

// debris is what runs of Terraform left in this directory that died while they created something.
type debris struct {
	creations lifeline.Creations
	// workspace is this machine and directory.
	workspace string

	mu sync.Mutex
	// inherited are the owners of such runs that this process has taken over from.
	inherited map[string]bool
	// failed and interrupted tell that some change did not come to its end.
	failed, interrupted bool
}

// lifeline is the name of the lifeline of whatever has that owner: another directory takes nothing over.
func (d *debris) lifeline(owner string) string {
	sum := sha256.Sum256([]byte(d.workspace + "\x00" + owner))
	return hex.EncodeToString(sum[:16])
}

// inherit takes over from the run that had that owner, if it died here, and tells whether it did.
func (d *debris) inherit(owner string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inherited[owner] {
		return true
	}
	if _, ok := d.creations.Inherit(d.lifeline(owner)); !ok {
		return false
	}
	if d.inherited == nil {
		d.inherited = map[string]bool{}
	}
	d.inherited[owner] = true
	return true
}

// end tells how a change of everything ended.
func (d *debris) end(ctx context.Context, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = d.failed || err != nil
	d.interrupted = d.interrupted || err != nil && errors.Is(ctx.Err(), context.Canceled)
}

// settle is for the end of Terraform in good order. After a failure, something may still carry the owners inherited from: then the next run may inherit it again.
func (d *debris) settle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.interrupted {
		return
	}
	for owner := range d.inherited {
		if d.failed {
			d.creations.Fail(d.lifeline(owner))
		}
	}
	d.creations.Settle()
}
