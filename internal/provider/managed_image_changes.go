package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// maxChangesShown is how many changes of one kind are spelled out in a reason.
const maxChangesShown = 10

// inputChanges says in words how the second request differs from the first, one phrase for each input; empty when they ask for the same.
func inputChanges(before, after imageregistry.Spec) []string {
	var changes []string
	if before.PythonVersion != after.PythonVersion {
		changes = append(changes, fmt.Sprintf("python version changed: %s -> %s", orAny(before.PythonVersion), orAny(after.PythonVersion)))
	}
	reduced := func(s imageregistry.Spec) map[string]string {
		return pipVersions(requirement.Reduce(s.PipRequirements, s.PythonVersion))
	}
	if c := setChanges(reduced(before), reduced(after)); c != "" {
		changes = append(changes, "pip requirements changed: "+c)
	}
	if c := setChanges(pipVersions(before.PipConstraints), pipVersions(after.PipConstraints)); c != "" {
		changes = append(changes, "pip constraints changed: "+c)
	}
	if before.PipLockFile != after.PipLockFile {
		changes = append(changes, "pip lock file changed")
	}
	for _, t := range requirement.PackageTypes() {
		if c := setChanges(packageVersions(before.PackageRequirements, t), packageVersions(after.PackageRequirements, t)); c != "" {
			changes = append(changes, fmt.Sprintf("%s packages changed: %s", strings.ReplaceAll(string(t), "_", " "), c))
		}
	}
	return changes
}

func pipVersions(pips []requirement.Pip) map[string]string {
	versions := map[string]string{}
	for _, p := range requirement.CanonicalPips(pips) {
		versions[p.Name] = p.VersionSpecifier
		if p.URL != "" {
			versions[p.Name] = "@ " + redact.Input(p.URL)
		}
		if p.Marker != "" {
			versions[p.Name] += "; " + p.Marker
		}
	}
	return versions
}

func packageVersions(packages []requirement.Package, t requirement.PackageType) map[string]string {
	versions := map[string]string{}
	for _, p := range requirement.CanonicalPackages(packages) {
		if (p.Type == requirement.PackageTypeApt) == (t == requirement.PackageTypeApt) {
			versions[p.Name] = p.VersionSpecifier
		}
	}
	return versions
}

// setChanges is like "+ pandas, ~ numpy >=1 -> >=2, - scipy": what came, what changed, what went, each by name.
func setChanges(before, after map[string]string) string {
	var added, changed, removed []string
	for name, version := range after {
		old, found := before[name]
		switch {
		case !found:
			added = append(added, "+ "+strings.TrimSpace(name+" "+version))
		case old != version:
			changed = append(changed, fmt.Sprintf("~ %s %s -> %s", name, orAny(old), orAny(version)))
		}
	}
	for name := range before {
		if _, found := after[name]; !found {
			removed = append(removed, "- "+name)
		}
	}
	slices.Sort(added)
	slices.Sort(changed)
	slices.Sort(removed)
	all := slices.Concat(added, changed, removed)
	if hidden := len(all) - maxChangesShown; hidden > 0 {
		all = append(all[:maxChangesShown], fmt.Sprintf("and %d more", hidden))
	}
	return strings.Join(all, ", ")
}

func orAny(version string) string {
	if version == "" {
		return "any"
	}
	return version
}
