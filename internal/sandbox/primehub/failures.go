package primehub

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// NoPrefix is the [Options].PushRepoPrefix of a platform that has none.
const NoPrefix = "-"

// Failure is a way in which a build can fail.
type Failure string

// The failures. All but the last two end the build.
const (
	// PackageNotFound is a package, or a base image, that does not exist.
	PackageNotFound Failure = "not_found"
	// Unresolvable is a package whose requirements have no solution.
	Unresolvable Failure = "unresolvable"
	// OutOfMemory is a build that uses more memory than it may.
	OutOfMemory Failure = "out_of_memory"
	// PushDenied is an image that the registry does not take.
	PushDenied Failure = "push_denied"
	// StuckPending is a pod that never starts.
	StuckPending Failure = "stuck_pending"
	// NodeLost is a pod whose node is gone: its phase is Unknown for ever.
	NodeLost Failure = "node_lost"
)

// Failures lists them all.
func Failures() []Failure {
	return []Failure{PackageNotFound, Unresolvable, OutOfMemory, PushDenied, StuckPending, NodeLost}
}

// DefaultFailures are the packages and base images whose builds fail on every platform of this package, by their names without version,
// channel, registry and tag.
func DefaultFailures() map[string]Failure {
	return map[string]Failure{
		"sandbox-not-found":     PackageNotFound,
		"sandbox-unresolvable":  Unresolvable,
		"sandbox-out-of-memory": OutOfMemory,
		"sandbox-push-denied":   PushDenied,
		"sandbox-stuck-pending": StuckPending,
		"sandbox-node-lost":     NodeLost,
	}
}

// defect is a failure that a build will meet.
type defect struct {
	kind Failure
	// section is the list of the package that brings it about; empty for the base image.
	section string
	// entry is that package as it is written, or the base image.
	entry string
	// dangling tells of an option without its value.
	dangling bool
}

// defectOf finds the first thing that goes wrong with a build. What is left out of the Dockerfile cannot.
func (p *Platform) defectOf(in buildInput) *defect {
	if kind, fails := p.failures[imageName(in.baseImage)]; fails {
		return &defect{kind: kind, entry: in.baseImage}
	}
	for _, command := range commands {
		entries := in.installed(command.kind)
		for _, entry := range entries {
			if kind, fails := p.failures[packageName(entry)]; fails {
				return &defect{kind: kind, section: command.kind, entry: entry}
			}
		}
		if n := len(entries); n > 0 && slices.Contains(optionsWithValue, entries[n-1]) {
			return &defect{kind: PackageNotFound, section: command.kind, entry: entries[n-1], dangling: true}
		}
	}
	return nil
}

// optionsWithValue are the options that need something after them.
var optionsWithValue = []string{"-c", "--channel", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-r", "-t"}

// normalName is how names are compared.
func normalName(name string) string {
	return strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
}

// packageName is the name in an entry of a list of packages: without channel and version.
func packageName(entry string) string {
	if i := strings.LastIndex(entry, "::"); i >= 0 {
		entry = entry[i+len("::"):]
	}
	name, _, _ := strings.Cut(entry, "=")
	name, _, _ = strings.Cut(name, ":")
	return normalName(name)
}

// imageName is the name in the reference of an image: without registry, path, tag and digest.
func imageName(reference string) string {
	name, _, _ := strings.Cut(reference, "@")
	name, _, _ = strings.Cut(path.Base(name), ":")
	return normalName(name)
}

// after is how far a build runs until it meets the defect.
func (d *defect) after() float64 {
	switch {
	case d.kind == PushDenied:
		return 0.9
	case d.section == "":
		return 0.1
	}
	return 0.5
}

// outcome is the phase that the pod ends in.
func (d *defect) outcome() string {
	if d.kind == NodeLost {
		return phaseUnknown
	}
	return phaseFailed
}

// exitCode is that of the build script: 1, 2 or 3 for its three steps, or that of a process that was killed.
func (d *defect) exitCode() int {
	switch d.kind {
	case OutOfMemory:
		return 137
	case PushDenied:
		return 3
	default:
		return 2
	}
}

// message is what the tool says that fails.
func (d *defect) message() string {
	switch {
	case d.dangling && d.section == "conda":
		name := d.entry
		if name == "-c" {
			name = "-c/--channel"
		}
		return fmt.Sprintf("conda install: error: argument %s: expected one argument", name)
	case d.dangling:
		return fmt.Sprintf("%s: option requires 1 argument: %s", d.section, d.entry)
	case d.kind == OutOfMemory:
		return "Killed"
	case d.kind == PushDenied:
		return "error copying layers and metadata: denied: requested access to the resource is denied"
	case d.section == "":
		return fmt.Sprintf("Error: initializing source docker://%s: reading manifest: manifest unknown: manifest unknown", d.entry)
	case d.section == "apt" && d.kind == Unresolvable:
		return "E: Unable to correct problems, you have held broken packages."
	case d.section == "apt":
		return "E: Unable to locate package " + d.entry
	case d.section == "conda" && d.kind == Unresolvable:
		return "UnsatisfiableError: The following specifications were found to be incompatible with each other: " + d.entry
	case d.section == "conda":
		return "PackagesNotFoundError: The following packages are not available from current channels:\n\n  - " + d.entry
	case d.kind == Unresolvable:
		return "ERROR: ResolutionImpossible: cannot install " + d.entry + " because these package versions have conflicting dependencies."
	}
	return "ERROR: No matching distribution found for " + d.entry
}
