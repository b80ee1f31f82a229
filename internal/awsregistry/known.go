package awsregistry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Known are the ids by which AWS tells what a state has from what somebody else makes under the same name later.
type Known struct {
	// Roles and Policies are IAM's unique ids ("AROA…", "ANPA…"), by name.
	Roles    map[string]string
	Policies map[string]string
	// Templates are the times at which templates were made, by prefix: they have no id.
	Templates map[string]string
}

// Known are the ids of what is the spec's: what carries its owner, what the spec knows already, or everything there is.
func (r Registry) Known(spec RegistrySpec, everything bool) Known {
	known := Known{Roles: map[string]string{}, Policies: map[string]string{}, Templates: map[string]string{}}
	note := func(into, before map[string]string, name, id, owner string) {
		if id != "" && (everything || owner != "" && owner == spec.Owner || before[name] == id) {
			into[name] = id
		}
	}
	for _, one := range []struct {
		spec IdentitySpec
		is   Identity
	}{{spec.Server, r.Server}, {spec.Builder, r.Builder}} {
		if role := one.is.Role; role != nil {
			note(known.Roles, spec.Known.Roles, one.spec.RoleName, role.ID, role.Owner)
		}
		if policy := one.is.Policy; policy != nil {
			note(known.Policies, spec.Known.Policies, one.spec.PolicyName, policy.ID, policy.Owner)
		}
	}
	if t := r.Template; t != nil && t.Owner == spec.Owner || t != nil && spec.Known.Templates[t.Prefix] == t.ID {
		known.Templates[t.Prefix] = t.ID
	}
	return known
}

// ForeignObject is something in AWS that has the name of ours but that this provider neither made nor was told to take over.
type ForeignObject struct {
	// Kind is "role", "policy" or "repository creation template".
	Kind string
	// Name is its name.
	Name string
	// ARN is its address in AWS. Empty where it has none.
	ARN string
	// Owner is the owner that it names: see [RegistrySpec.Owner]. Empty: none, so that something else made it.
	Owner string
	// Reason is how it was seen not to be ours.
	Reason string
}

// String names the object.
func (o ForeignObject) String() string {
	if o.ARN != "" {
		return o.Kind + " " + o.ARN
	}
	return o.Kind + " " + o.Name
}

// ForeignError is what has names of ours and is somebody else's. It is left as it is.
type ForeignError struct{ Objects []ForeignObject }

// Error implements error.
func (e *ForeignError) Error() string {
	texts := make([]string, 0, len(e.Objects))
	for _, object := range e.Objects {
		texts = append(texts, fmt.Sprintf("%s exists and is not ours: %s", object, object.Reason))
	}
	return strings.Join(texts, "; ")
}

// foreign is the error about one object whose owner is written in that place.
func foreign(kind, name, arn, owner, where string) *ForeignError {
	return &ForeignError{Objects: []ForeignObject{{Kind: kind, Name: name, ARN: arn, Owner: owner, Reason: whyForeign(owner, where)}}}
}

// RolePolicies are policies on a role of ours that are not this provider's.
type RolePolicies struct {
	Role, ARN string
	// Policies are the ARNs of attached policies, and the names of inline policies with "inline:" before them.
	Policies []string
}

// OtherPoliciesError is a role that is not deleted because it has policies that are not this provider's.
type OtherPoliciesError struct{ Roles []RolePolicies }

// Error implements error.
func (e *OtherPoliciesError) Error() string {
	texts := make([]string, 0, len(e.Roles))
	for _, role := range e.Roles {
		texts = append(texts, fmt.Sprintf("role %s has other policies: %s", quote(role.Role), strings.Join(role.Policies, ", ")))
	}
	return strings.Join(texts, "; ")
}

// finds collects what several looks at the same time find.
type finds struct {
	mu      sync.Mutex
	objects []ForeignObject
}

// take keeps an error about what is somebody else's for later, and returns any other.
func (f *finds) take(err error) error {
	theirs, ok := asForeign(err)
	if !ok {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects = append(f.objects, theirs.Objects...)
	return nil
}

// sorted are the objects, in an order that does not change from look to look.
func (f *finds) sorted() []ForeignObject {
	slices.SortFunc(f.objects, func(a, b ForeignObject) int { return strings.Compare(a.String(), b.String()) })
	return f.objects
}

// Foreign are the roles, policies and templates that have the spec's names and are somebody else's, as a plan can tell: what
// this client was told to be in a state is not, see [Client.Claim].
func (c *Client) Foreign(ctx context.Context, spec RegistrySpec) ([]ForeignObject, error) {
	return c.findForeign(ctx, spec, c.claims.ownership(spec))
}

// findForeign looks for them.
func (c *Client) findForeign(ctx context.Context, spec RegistrySpec, ours ownership) ([]ForeignObject, error) {
	account, err := c.Account(ctx)
	if err != nil {
		return nil, err
	}
	server, builder := c.identities(account, spec)
	var found finds
	group, ctx := errgroup.WithContext(ctx)
	for _, id := range []identity{server, builder} {
		id.ownership = ours
		group.Go(func() error {
			_, err := c.findPolicy(ctx, id, 1)
			return found.take(err)
		})
		group.Go(func() error {
			_, err := c.findRole(ctx, id, 1)
			return found.take(err)
		})
	}
	if spec.Template != nil {
		group.Go(func() error {
			_, err := c.findTemplate(ctx, templatePrefix(spec.Prefix), ours, 1)
			return found.take(err)
		})
	}
	err = group.Wait()
	return found.sorted(), err
}

// OtherPolicies are the policies on the spec's roles that are not theirs, by role. The policy of the other role is theirs only
// where the roles go.
func (c *Client) OtherPolicies(ctx context.Context, spec RegistrySpec, going bool) ([]RolePolicies, error) {
	account, err := c.Account(ctx)
	if err != nil {
		return nil, err
	}
	var roles []RolePolicies
	server, builder := c.identities(account, spec)
	for _, id := range []identity{server, builder} {
		ours := []string{id.policyARN()}
		if going {
			ours = []string{server.policyARN(), builder.policyARN()}
		}
		held, err := c.listRolePolicies(ctx, id.RoleName)
		if is(err, ClassNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if others := held.others(ours); len(others) > 0 {
			roles = append(roles, RolePolicies{Role: id.RoleName, ARN: account.RoleARN(spec.rolePath(), id.RoleName), Policies: others})
		}
	}
	return roles, nil
}

// Unwanted are the policies on the roles that are neither this provider's nor allowed by the spec, by role.
func (r Registry) Unwanted(spec RegistrySpec) []RolePolicies {
	var roles []RolePolicies
	for _, id := range []Identity{r.Server, r.Builder} {
		if id.Role == nil {
			continue
		}
		if unwanted := without(id.Role.OtherPolicies, spec.AllowedPolicies); len(unwanted) > 0 {
			roles = append(roles, RolePolicies{Role: id.Role.Name, ARN: id.Role.ARN, Policies: unwanted})
		}
	}
	return roles
}

// without are the texts of a list that another one does not have.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(text string) bool { return slices.Contains(other, text) })
}
