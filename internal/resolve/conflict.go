package resolve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// Need is that something needs a distribution, and how it comes to be needed itself.
type Need struct {
	// By is what needs it, with its extras and its version. Empty is the user.
	By, Version string
	// Requirement is what is needed, as it is written there.
	Requirement string
	// Because is how By comes to be needed, from the user on; empty where By is empty.
	Because []Need
}

// String says who needs what.
func (n Need) String() string {
	if n.By == "" {
		return "you require " + n.Requirement
	}
	return fmt.Sprintf("%s %s requires %s", n.By, n.Version, n.Requirement)
}

// Unmet is why a distribution cannot be had. It is an error.
type Unmet struct {
	// Name is the distribution.
	Name string
	// Needs are who needs it, and what of it.
	Needs []Need
	// Available are the versions that the target could have, the newest first. There are none where Unknown is set.
	Available []pep440.Version
	// Unknown tells that no index has a distribution of that name.
	Unknown bool
	// What the target cannot have, in files: for other versions of Python, for other platforms, later than the time limit,
	// sources where only wheels are taken, withdrawn by their makers.
	OtherPython, OtherPlatform, TooLate, Sources, Yanked int
}

// ConflictError is that no set of versions meets all requirements.
type ConflictError struct {
	// Unmet are the distributions for which the search found no version, at least one.
	Unmet []Unmet
}

// Error implements error.
func (e *ConflictError) Error() string {
	texts := make([]string, len(e.Unmet))
	for i, u := range e.Unmet {
		texts[i] = u.String()
	}
	return strings.Join(texts, "; ")
}

// String says in one sentence why the distribution cannot be had.
func (u Unmet) String() string {
	needs := make([]string, len(u.Needs))
	for i, n := range u.Needs {
		needs[i] = n.String()
	}
	who := strings.Join(needs, " and ")
	switch {
	case u.Unknown:
		return fmt.Sprintf("no package index has %q (%s)", u.Name, who)
	case len(u.Available) == 0:
		return fmt.Sprintf("no version of %q can be installed there (%s)", u.Name, who)
	}
	return fmt.Sprintf("no version of %q meets all that is required of it (%s)", u.Name, who)
}

// explain makes the error of a search that ended in these needs.
func (r *resolution) explain(ctx context.Context, causes []*need) error {
	var names []string
	for _, n := range causes {
		if !slices.Contains(names, n.name) {
			names = append(names, n.name)
		}
	}
	e := &ConflictError{}
	for _, name := range names {
		unmet, met, err := r.unmet(ctx, name, causes)
		if err != nil {
			return err
		}
		if !met {
			e.Unmet = append(e.Unmet, unmet)
		}
	}
	return e
}

// unmet is why a distribution cannot be had. It is met where the needs leave some of its versions.
func (r *resolution) unmet(ctx context.Context, name string, causes []*need) (u Unmet, met bool, err error) {
	u.Name = name
	specifier := r.constraints[name]
	for _, n := range causes {
		if n.name == name && n.exact == nil {
			specifier = specifier.And(n.specifier)
			u.Needs = append(u.Needs, r.told(n))
		}
	}
	u.Needs = slices.CompactFunc(u.Needs, func(a, b Need) bool { return a.String() == b.String() })
	if name == pythonKey {
		return u, specifier.Allows(r.python.version), nil
	}
	all, err := r.finder.options(ctx, name)
	if err != nil {
		return u, false, err
	}
	for _, o := range all.fresh {
		u.Available = append(u.Available, o.version)
	}
	u.OtherPython, u.OtherPlatform, u.TooLate, u.Sources = all.left.python, all.left.platform, all.left.late, all.left.sdists
	u.Yanked = len(all.yanked)
	u.Unknown = len(all.fresh)+len(all.yanked)+u.OtherPython+u.OtherPlatform+u.TooLate+u.Sources == 0
	return u, len(all.allowed(specifier)) > 0, nil
}

// told is a need in words, with how it came about.
func (r *resolution) told(n *need) Need {
	told := Need{Requirement: n.requirement.String()}
	if n.key == pythonKey {
		told.Requirement = "Python " + n.specifier.String()
	}
	if n.parent == nil {
		return told
	}
	told.By, told.Version = n.parent.key, n.parent.version.String()
	seen := map[string]bool{}
	for parent := n.parent; parent != nil && !seen[parent.key]; {
		seen[parent.key] = true
		first := r.first[parent.key]
		if first == nil {
			break
		}
		step := Need{Requirement: first.requirement.String()}
		if first.exact != nil {
			step.Requirement = first.name
		}
		if parent = first.parent; parent != nil {
			step.By, step.Version = parent.key, parent.version.String()
		}
		told.Because = append(told.Because, step)
	}
	slices.Reverse(told.Because)
	return told
}
