package resolve

import (
	"fmt"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// addressed takes note of the address of a requirement of the user's. The error is a [*ConflictError] where there is another one.
func (r *resolution) addressed(required pep508.Requirement) error {
	if required.URL == "" {
		return nil
	}
	other, known := r.addresses[required.Name]
	switch {
	case r.finder.direct[required.Name] == nil:
		return fmt.Errorf("%s comes from an address, and nobody has looked what is there", required.Name)
	case known && other.URL != required.URL:
		return &ConflictError{[]Unmet{{
			Name: required.Name, Addresses: true, target: r.finder.target,
			Needs: []Need{{Requirement: written(&need{requirement: other})}, {Requirement: written(&need{requirement: required})}},
		}}}
	}
	r.addresses[required.Name] = required
	return nil
}

// allowAddress is the error of a distribution that needs another one from an address, unless the user gives the same. What the
// base image has got all that it needs when that was made.
func (r *resolution) allowAddress(c *candidate, required pep508.Requirement) error {
	given, known := r.addresses[required.Name]
	if required.URL == "" || c.keeps() || known && given.URL == required.URL {
		return nil
	}
	problem := "it requires %s from an address, and only your own requirements can have one; require %[1]s with that address as well"
	if known {
		problem = "it requires %s from another address than you do"
	}
	return &pythonindex.MetadataError{File: c.fileName(), Err: fmt.Errorf(problem, required.Name)}
}
