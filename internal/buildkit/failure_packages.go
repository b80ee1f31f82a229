package buildkit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

const kindPackage = "package"

// What the package managers say about packages that cannot be had; the first group is the package. The texts in testdata
// were written by real ones where the machine had them.
var packageMissing = []*regexp.Regexp{
	// apt.
	regexp.MustCompile(`E: Unable to locate package (\S+)`),
	regexp.MustCompile(`E: Version '[^']*' for '([^']+)' was not found`),
	regexp.MustCompile(`E: Package '([^']+)' has no installation candidate`),
	regexp.MustCompile(`^ ?([a-z0-9][^\s:]*(?::\w+)?) : (?:Pre)?(?:Depends|Conflicts|Breaks): `),
	regexp.MustCompile(`dpkg: error processing package (\S+)`),
	// dnf, dnf5, microdnf and yum.
	regexp.MustCompile(`No match for argument: (\S+)`),
	regexp.MustCompile(`Unable to find a match: (\S+)`),
	regexp.MustCompile(`No package (\S+) available`),
	regexp.MustCompile(`No package matches '([^']+)'`),
	regexp.MustCompile(`package (\S+) (?:conflicts with|obsoletes|requires) `),
	regexp.MustCompile(`nothing provides .* needed by (\S+)`),
}

var (
	packagesUnreached = regexp.MustCompile(`(?i)Failed to fetch|Could not (?:resolve|connect)|Temporary failure resolving|Unable to connect to|` +
		`Curl error|Failed to download metadata|Cannot download|Cannot retrieve (?:repository )?metadata|Cannot find a valid baseurl|No more mirrors to try|All mirrors were tried|` +
		`Connection (?:refused|reset|timed out)|certificate verif`)
	// The lists of mirrors come with the base image.
	sourcesBroken = regexp.MustCompile(`E: The repository '.*' (?:does not have a Release file|is no longer signed|is not signed)|NO_PUBKEY|E: Release file for .* (?:is expired|is not valid yet)|There are no enabled repos`)
	// packageProblem is the last word of any of them.
	packageProblem = regexp.MustCompile(`(?i)^(?:E|error): `)
)

// analysePackages finds the package at fault in what the package manager said. A package that is not found counts as the
// user's mistake only if the lists of packages could be read.
func analysePackages(e evidence) finding {
	if line, ok := lastMatch(e.lines, sourcesBroken); ok {
		return finding{class: imageregistry.FailureBaseImage, message: "the package sources in the base image are of no use: " + line}
	}
	if line, ok := firstMatch(e.lines, packagesUnreached); ok {
		return finding{class: imageregistry.FailureNetwork, message: "the package manager could not download what it needs: " + line}
	}
	for _, pattern := range packageMissing {
		line, ok := firstMatch(e.lines, pattern)
		if !ok {
			continue
		}
		f := finding{class: imageregistry.FailureUserInput, message: line}
		if name := askedPackage(e.request.Packages, pattern.FindStringSubmatch(line)[1]); name != "" {
			f.requirement, f.kind = name, kindPackage
		}
		return f
	}
	if line, ok := lastMatch(e.lines, packageProblem); ok {
		return finding{class: imageregistry.FailureUserInput, message: line}
	}
	return finding{}
}

// askedPackage finds the package that was asked for in what a package manager calls it: by name, with the version, or with version,
// release and architecture ("vim-8.0-1.x86_64").
func askedPackage(packages []requirement.Package, said string) string {
	best := ""
	for _, p := range packages {
		name, _, _ := strings.Cut(p.Name, ":")
		matches := said == p.Name || said == name || said == p.Argument() || strings.HasPrefix(said, name+"-") || strings.HasPrefix(said, name+":")
		if matches && len(p.Name) > len(best) {
			best = p.Name
		}
	}
	return best
}

// firstMatch returns the first line that matches.
func firstMatch(lines []string, pattern *regexp.Regexp) (string, bool) {
	if i := slices.IndexFunc(lines, pattern.MatchString); i >= 0 {
		return strings.TrimSpace(lines[i]), true
	}
	return "", false
}
