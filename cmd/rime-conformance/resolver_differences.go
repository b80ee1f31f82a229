package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// difference says what differs between our answer and another's, and why.
func (r *resolverCheck) difference(ctx context.Context, set requirementSet, own, other resolution, name string) (string, error) {
	what := differs(own, other, name)
	if what == "" || other.Pins == nil {
		return what, nil
	}
	// Whether we can do with the versions that the other has chosen says why we did not choose them.
	theirs, _, err := r.own(ctx, set, other.pinned()...)
	if err != nil {
		return "", err
	}
	if early := prereleases(own.Pins, other.Pins); early != "" && name == "uv" {
		what += "; uv takes pre-releases only where the set itself names them or nothing else is left, pip and we also where a distribution names them: " + early
	}
	if early := prereleases(other.Pins, own.Pins); early != "" && name == "uv" {
		what += "; uv takes pre-releases where no final version goes with the rest, pip and we only where there is none: " + early
	}
	switch {
	case maps.Equal(theirs.Pins, other.Pins):
		return what + "; both answers meet all requirements", nil
	case theirs.Pins != nil:
		return fmt.Sprintf("%s; of %s's versions, some are needed by nobody: %s", what, name, changes(theirs.Pins, other.Pins)), nil
	}
	return fmt.Sprintf("%s; we do not take %s's versions: %s", what, name, httpx.OneLine(theirs.Refused+theirs.Failed)), nil
}

// differs says what differs between our answer and another's. That both refuse is no difference.
func differs(own, other resolution, name string) string {
	switch {
	case own.Failed != "":
		return failureOf("ours") + httpx.OneLine(own.Failed)
	case other.Failed != "":
		return failureOf(name) + httpx.OneLine(other.Failed)
	case own.Refused != "" && other.Refused != "":
		return ""
	case own.Refused != "":
		return "only we refuse: " + httpx.OneLine(own.Refused)
	case other.Refused != "":
		return fmt.Sprintf("only %s refuses: %s", name, httpx.OneLine(other.Refused))
	case maps.Equal(own.Pins, other.Pins):
		return ""
	}
	return "versions, from ours to " + name + "'s: " + changes(own.Pins, other.Pins)
}

// prereleases are those among the pins that the others do not have.
func prereleases(pins, others map[string]string) string {
	var early []string
	for _, name := range slices.Sorted(maps.Keys(pins)) {
		if version, err := pep440.Parse(pins[name]); err == nil && version.IsPrerelease() && others[name] != pins[name] {
			early = append(early, name+" "+pins[name])
		}
	}
	return strings.Join(early, ", ")
}

// failureOf is how a difference begins that is none.
func failureOf(name string) string { return name + " failed: " }

// changes are the differences of two sets of pins.
func changes(from, to map[string]string) string {
	all := maps.Clone(from)
	maps.Copy(all, to)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if from[name] != to[name] {
			parts = append(parts, fmt.Sprintf("%s %s → %s", name, cmp.Or(from[name], "none"), cmp.Or(to[name], "none")))
		}
	}
	if len(parts) > mostChanges {
		parts = append(parts[:mostChanges], fmt.Sprintf("and %d more", len(parts)-mostChanges))
	}
	return strings.Join(parts, ", ")
}

// mostChanges is how many changes are listed, so that a line can be read.
const mostChanges = 12
