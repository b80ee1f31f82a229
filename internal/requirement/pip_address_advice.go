package requirement

import (
	"net/url"
	"regexp"
	"strings"
)

// behindKey are the ways to name a repository that is reached with a key.
var behindKey = regexp.MustCompile(`(?i)^(?:git\+ssh:|ssh:|(?:git\+)?git@)`)

// diagnoseAddress says what is wrong with the address of a distribution, which may stand behind a name.
func diagnoseAddress(address string) (problem, suggestion string) {
	scheme, _, _ := strings.Cut(strings.ToLower(address), ":")
	kind, transport, isRepository := strings.Cut(scheme, "+")
	u, err := url.Parse(strings.TrimPrefix(address, "git+"))
	switch {
	case scheme == "file" || transport == "file":
		return "is a file of the machine where the list was written, as pip freeze names what conda has built",
			"write the list with pip list --format=freeze, which gives name==version"
	case behindKey.MatchString(address):
		return "is reached with a key, and an image is built without one",
			`write "git+https" in place of "git+ssh", and no "git@", or publish the distribution in an index, if the repository is not public`
	case isRepository && kind != "git":
		return "is a repository of " + kind + ", and only git can be read", "publish the distribution in an index and write its version"
	case scheme == "git" || isRepository && transport != "https" && transport != "http":
		return "is an address of git that is neither https nor http", "write one of git+https"
	case scheme != "https" && scheme != "http" && !isRepository:
		return "is a direct reference that is neither an archive nor a repository of git",
			"write an address of https or git+https, or the version of a distribution in an index"
	case err == nil && u.User != nil, strings.Contains(address, "${"):
		return "has credentials in it, which would be in the plan and in the state",
			"write the address without them, or publish the distribution in an index: its address may have them, in embedded_registry.pip"
	case err != nil, strings.ContainsAny(address, "\"'`\\$<>{}|^ "):
		return "is not an address", "write one of https or git+https, and special characters as %20 and the like"
	}
	return diagnosePlace(address, u, isRepository)
}

// diagnosePlace says what is wrong with an address whose beginning is right.
func diagnosePlace(address string, u *url.URL, isRepository bool) (problem, suggestion string) {
	switch {
	case u.Host == "":
		return "is an address without a host", "write one of https or git+https"
	case isRepository && strings.Trim(u.Path, "/") == "":
		return "is the address of no repository", "write the path of one"
	case !isRepository && !archivePattern.MatchString(u.Path):
		return "is no file that a distribution comes in, which are .whl, .tar.gz, .zip and the like",
			"write the address of a file, or git+ before that of a repository"
	}
	if _, ok := matchAddress(address); !ok {
		return `has something behind its "#" that is neither subdirectory=, egg= nor sha256=`, "leave it out"
	}
	return "does not tell the name of the distribution", nameIt
}
