package resolve

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

const (
	// maxNeeds is how many needs a message tells one by one.
	maxNeeds = 8
	// maxVersions is how many versions it lists.
	maxVersions = 5
)

// String is the target in words.
func (t *Target) String() string {
	python := fmt.Sprintf("Python %s", t.Python)
	if t.Platform.Threaded {
		python += " without GIL"
	}
	return fmt.Sprintf("%s on Linux, %s with %s %d.%d", python, t.Platform.Machine, t.Platform.Libc, t.Platform.LibcMajor, t.Platform.LibcMinor)
}

// String says why the distribution cannot be had, who needs it, and what to do, each on a line.
func (u Unmet) String() string {
	lines := []string{u.heading()}
	groups := grouped(u.Needs)
	for i, group := range groups {
		if i == maxNeeds {
			lines = append(lines, fmt.Sprintf("  %d more are like these.", len(groups)-i))
			break
		}
		lines = append(lines, "  "+group.String())
	}
	for _, line := range []string{u.versions(), u.reasons(), u.Unusable, u.advice()} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// heading says in one sentence what is wrong.
func (u Unmet) heading() string {
	switch {
	case u.Name == "":
		return fmt.Sprintf("The image has Python %s, and something else is required:", u.target.Python)
	case u.Addresses:
		return fmt.Sprintf("More than one address is given for %s:", u.Name)
	case u.Unknown && len(u.Own) > 0:
		return fmt.Sprintf("%s has to come from %s, where it is not:", u.Name, listed(u.Own, "or"))
	case u.Unknown:
		return fmt.Sprintf("No package index has %q:", u.Name)
	case u.Tried && u.Unusable != "":
		return fmt.Sprintf("No version of %s that is required can be used:", u.Name)
	case u.Tried:
		return fmt.Sprintf("No version of %s that is required goes together with the rest:", u.Name)
	case len(u.Available) == 0:
		return fmt.Sprintf("No version of %s can be installed with %s:", u.Name, u.target)
	case len(u.Needs) == 1:
		return fmt.Sprintf("No version of %s is what is required:", u.Name)
	}
	return fmt.Sprintf("No version of %s meets all that is required of it:", u.Name)
}

// group is needs of several versions of one distribution that are alike.
type group struct {
	Need

	versions []string
}

// grouped are the needs, each group in the place of its first one.
func grouped(needs []Need) []group {
	var groups []group
	for _, n := range needs {
		i := slices.IndexFunc(groups, func(g group) bool { return n.By != "" && g.By == n.By && g.Requirement == n.Requirement })
		if i < 0 {
			groups = append(groups, group{Need: n, versions: []string{n.Version}})
		} else {
			groups[i].versions = append(groups[i].versions, n.Version)
		}
	}
	return groups
}

// String is how it came about, from the user on, and the need itself.
func (g group) String() string {
	var steps []string
	for _, step := range g.Because {
		steps = append(steps, step.String())
	}
	last := g.Need.String()
	if len(g.versions) > 1 {
		last = fmt.Sprintf("%s %s require %s", g.By, few(g.versions, "others"), g.Requirement)
	}
	return capital(strings.Join(append(steps, last), ", ")) + "."
}

// capital is the text with its first letter as a sentence begins.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// String says who needs what.
func (n Need) String() string {
	switch {
	case n.Constraint:
		return "your constraints have " + n.Requirement
	case n.By == "":
		return "you require " + n.Requirement
	}
	return fmt.Sprintf("%s %s requires %s", n.By, n.Version, n.Requirement)
}

// few lists some, and counts the others.
func few(all []string, others string) string {
	if len(all) > maxVersions {
		all = append(slices.Clone(all[:maxVersions]), fmt.Sprintf("%d %s", len(all)-maxVersions, others))
	}
	return listed(all, "and")
}

// listed is "a, b and c".
func listed(all []string, and string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " " + and + " " + all[last]
}

// versions says which there are.
func (u Unmet) versions() string {
	if u.Tried || len(u.Available) == 0 {
		return ""
	}
	is := "are"
	if len(u.Available) == 1 {
		is = "is"
	}
	if len(u.nearest) == 0 || len(u.Available) <= maxVersions {
		return fmt.Sprintf("Of %s there %s %s for %s.", u.Name, is, few(texts(u.Available), "older ones"), u.target)
	}
	text := fmt.Sprintf("Of %s there are %s nearby for %s", u.Name, listed(texts(u.nearest), "and"), u.target)
	if newest := u.Available[0].String(); newest != u.nearest[0].String() {
		text += ", and " + newest + " is the newest"
	}
	return text + "."
}

func texts(versions []pep440.Version) []string {
	all := make([]string, len(versions))
	for i, v := range versions {
		all[i] = v.String()
	}
	return all
}

// nearest are the versions around the one that the specifier speaks of. There are none where it speaks of no version.
func nearest(available []pep440.Version, specifier pep440.Specifier) []pep440.Version {
	for _, c := range specifier.Clauses() {
		if c.Operator() == "!=" || c.Version() == (pep440.Version{}) {
			continue
		}
		at := sort.Search(len(available), func(i int) bool { return available[i].Compare(c.Version()) < 0 })
		return available[max(0, at-2):min(len(available), at+2)]
	}
	return nil
}

// reasons counts what the target cannot have.
func (u Unmet) reasons() string {
	switch {
	case u.Tried:
		return ""
	case u.AskedFor != (Unfit{}) && len(u.Available) > 0:
		return "Of the files that have such a version, " + u.AskedFor.String() + "."
	case u.Unfit != (Unfit{}) && len(u.Available) == 0:
		return "Of its files, " + u.Unfit.String() + "."
	}
	return ""
}

// String counts, each reason with its words.
func (u Unfit) String() string {
	var parts []string
	for _, reason := range []struct {
		n         int
		one, many string
	}{
		{u.OtherPython, "is for other versions of Python", "are for other versions of Python"},
		{u.OtherPlatform, "is for another platform", "are for other platforms"},
		{u.Sources, "has to be built from source", "have to be built from source"},
		{u.Yanked, "was withdrawn by its makers", "were withdrawn by their makers"},
		{u.TooLate, "came after the time limit, or nobody knows when", "came after the time limit, or nobody knows when"},
	} {
		words := reason.many
		if reason.n == 1 {
			words = reason.one
		}
		if reason.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", reason.n, words))
		}
	}
	return listed(parts, "and")
}

// advice is what to do.
func (u Unmet) advice() string {
	unfit := u.AskedFor
	if len(u.Available) == 0 {
		unfit = u.Unfit
	}
	roots := u.roots()
	switch {
	case u.Addresses:
		return "Leave out all but one of them, or give each a marker, of which one holds for an image."
	case u.Unknown && len(u.Own) > 0:
		return "Correct the url of that index in `indexes` of `embedded_registry.pip`, or take " + u.Name + " out of its packages."
	case len(u.Similar) > 0:
		return fmt.Sprintf("Did you mean %s?", listed(u.Similar, "or"))
	case u.Unknown && isAskedFor(u.Needs):
		return "Correct the name, or configure the index that has it."
	case u.Unknown:
		return "Configure the index that has it, or change " + roots + "."
	case u.Name == "":
		return "Take a base image with another Python, or change " + roots + "."
	case u.Tried || len(u.Needs) > 1 && len(u.Available) > 0:
		return "Change " + roots + ", or leave it out."
	case unfit.OtherPlatform > 0 && u.target.Platform.Libc == pep425.Musl:
		return "Take a base image with glibc, such as one of Debian, for which there are more wheels than for musl, or change " + roots + "."
	case unfit.OtherPython > 0:
		return "Change " + roots + ", or take a base image with another Python."
	case unfit.TooLate > 0:
		return "Change " + roots + ", or change `exclude_newer` in `embedded_registry.pip` of the provider."
	case unfit.Yanked > 0:
		return "Change " + roots + ". A version that was withdrawn is taken where it is required just so, with ==."
	case unfit.Sources > 0:
		return "Change " + roots + ", or let it be built from source."
	}
	return "Change " + roots + ", or leave it out."
}

// roots are what the user has to change.
func (u Unmet) roots() string {
	var requirements, constraints []string
	for _, n := range u.Needs {
		requirement := n.Requirement
		if len(n.Because) > 0 {
			requirement = n.Because[0].Requirement
		}
		name := requirement
		if end := strings.IndexAny(requirement, " ;@<>=!~"); end > 0 {
			name = requirement[:end]
		}
		switch {
		case n.Constraint:
			constraints = append(constraints, name)
		case !slices.Contains(requirements, name):
			requirements = append(requirements, name)
		}
	}
	var roots []string
	if len(requirements) > 0 {
		roots = append(roots, "your requirement of "+listed(requirements, "or"))
	}
	if len(constraints) > 0 {
		roots = append(roots, "your constraint of "+listed(constraints, "or"))
	}
	return strings.Join(roots, " or ")
}
