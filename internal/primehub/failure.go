package primehub

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

const (
	// readLines is how many lines of a log are read to understand a failure. PrimeHub's own portal shows as many.
	readLines = 2000
	// tailLines is how many of them an error carries.
	tailLines = 40
)

// The log's own marks (CONTRACT §4.7), and what buildah writes before it runs a line of the Dockerfile.
var (
	stepMark      = regexp.MustCompile(`^\[Step: (init|build|push)\]`)
	installerMark = regexp.MustCompile(`\b(apt-get|conda|pip) install\b`)
)

// A symptom is what a line of a log gives away.
type symptom struct {
	pattern *regexp.Regexp
	// installer is whose words these are. Empty for those of buildah and the registry.
	installer string
	// hint is what to do about it. Empty where the package says it all.
	hint string
}

const (
	hintBaseImage = "Check base_image_url and, for a private registry, the image pull secret of the build."
	hintPush      = "PrimeHub's image builder may not push to its registry: ask those who run PrimeHub to check the registry and the push secret of customImage in the Helm chart."
	hintIndex     = "The installer could not get at its package index: ask those who run PrimeHub whether builds may reach it, or try again later."
	hintDisk      = "Ask those who run PrimeHub to give the image builder's nodes more disk space, or ask for fewer packages."
	hintMemory    = "Ask those who run PrimeHub to give the image builder more memory, or ask for fewer packages: conda needs much with many."
	hintConda     = "Name the channel that has the package (\"-c conda-forge numpy\" or \"conda-forge::numpy\"), or another version."
	hintApt       = "Check the name, and that the base image's distribution has the package."
	hintPip       = "Check the name and the version, and that it supports the base image's Python."
	hintConflict  = "Ask for versions that go together, or leave versions out."
)

// symptoms are looked for in this order, each in the whole log: what an installer says is never about something else. The first group of a pattern names the package.
var symptoms = []symptom{
	{regexp.MustCompile(`E: Unable to locate package (\S+)`), "apt", hintApt},
	{regexp.MustCompile(`E: Version '[^']*' for '([^']+)' was not found`), "apt", "Write a version that the base image's distribution has, or none."},
	{regexp.MustCompile(`E: Package '([^']+)' has no installation candidate`), "apt", "Write the name of a package that replaces it."},
	{regexp.MustCompile(`E: Unable to correct problems|have unmet dependencies`), "apt", hintConflict},
	{regexp.MustCompile(`No matching distribution found for (\S+)`), "pip", hintPip},
	{regexp.MustCompile(`Could not find a version that satisfies the requirement (\S+)`), "pip", hintPip},
	{regexp.MustCompile(`(?i)cannot install (.+?) because these package versions have conflicting dependencies`), "pip", hintConflict},
	{regexp.MustCompile(`ERROR: Invalid requirement: '?([^'\s]+)`), "pip", "Write the requirement as name==version."},
	{regexp.MustCompile(`─ (\S+(?: [=<>!~]\S+)?) does not exist \(perhaps a typo or a missing channel\)`), "conda", hintConda},
	{regexp.MustCompile(`nothing provides (?:requested )?(\S+)`), "conda", hintConda},
	{regexp.MustCompile(`PackagesNotFoundError|ResolvePackageNotFound|PackagesNotFoundInChannelsError`), "conda", hintConda},
	{regexp.MustCompile(`UnsatisfiableError(?:: .*: (\S+)$)?`), "conda", hintConflict},
	{regexp.MustCompile(`InvalidMatchSpec: Invalid spec '([^']+)'`), "conda", "Write the package as name=version, or as channel::name=version."},
	{regexp.MustCompile(`error: argument (-c|--channel)\b[^:]*: expected one argument`), "conda", "Write the channel after -c, or leave -c out."},
	{regexp.MustCompile(`(?i)no space left on device`), "", hintDisk},
	{regexp.MustCompile(`^Killed$|exit status 137|exit code 137|(?i:out of memory)`), "", hintMemory},
	{regexp.MustCompile(`(?i)manifest unknown|unauthorized|authentication required|access to the resource is denied|name unknown`), "", ""},
	{regexp.MustCompile(`(?i)no such host|connection refused|connection timed out|Temporary failure (?:in name resolution|resolving)`), "", ""},
}

// listed is a line of the list that follows some of conda's errors.
var listed = regexp.MustCompile(`^\s+- (?:package )?(\S+)`)

// failure reads the log of a build that failed and says why it did.
func (c *Client) failure(ctx context.Context, image Image) *BuildFailedError {
	lines, err := c.Log(ctx, image, readLines)
	failed := diagnose(lines)
	failed.Name, failed.LogErr = image.Name, err
	return failed
}

// diagnose says what a log tells about a failure.
func diagnose(lines []string) *BuildFailedError {
	failed := &BuildFailedError{LogTail: lines[max(0, len(lines)-tailLines):]}
	for _, line := range lines {
		if mark := stepMark.FindStringSubmatch(line); mark != nil {
			failed.Step, failed.Installer = Step(mark[1]), ""
		}
		if mark := installerMark.FindStringSubmatch(line); mark != nil {
			failed.Installer = strings.TrimSuffix(mark[1], "-get")
		}
	}
	for _, s := range symptoms {
		i := slices.IndexFunc(lines, s.pattern.MatchString)
		if i < 0 {
			continue
		}
		failed.Message, failed.Hint = strings.TrimSpace(lines[i]), s.hint
		if s.installer != "" {
			failed.Installer = s.installer
			failed.Package = packageOf(s.pattern.FindStringSubmatch(lines[i]), lines[i+1:])
		}
		break
	}
	if failed.Hint == "" && failed.Message != "" {
		failed.Hint = failed.networkHint()
	}
	if failed.Message == "" && len(lines) > 0 {
		failed.Message = strings.TrimSpace(lines[len(lines)-1])
	}
	return failed
}

// networkHint is what to do about a registry or an index that refused or was not to be reached: which one it was, the step tells.
func (e *BuildFailedError) networkHint() string {
	switch {
	case e.Step == StepPush:
		return hintPush
	case e.Installer != "":
		return hintIndex
	default:
		return hintBaseImage
	}
}

// packageOf is the package that a symptom names, or else the first of the list that follows it.
func packageOf(found, following []string) string {
	if len(found) > 1 && found[1] != "" {
		return strings.Trim(found[1], `"'.,:;`)
	}
	for _, line := range following {
		if item := listed.FindStringSubmatch(line); item != nil {
			return item[1]
		}
	}
	return ""
}
