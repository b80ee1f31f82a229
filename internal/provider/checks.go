package provider

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
)

// A check judges one known value. The same check serves the schema, where the value is configured, and the
// provider's Configure, where it may have come from the environment.
type check struct {
	// summary is the title of the diagnostic.
	summary string
	// rule says in words what passes, for the documentation.
	rule string
	find func(value string) *diags.Problem
}

var _ validator.String = check{}

// Description implements validator.Describer.
func (c check) Description(context.Context) string { return c.rule }

// MarkdownDescription implements validator.Describer.
func (c check) MarkdownDescription(context.Context) string { return c.rule }

// ValidateString implements validator.String.
func (c check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	value := req.ConfigValue.ValueString()
	if problem := c.find(value); problem != nil {
		resp.Diagnostics.Append(diags.InvalidValue(c.summary, shownPath(req.Path), value, problem))
	}
}

// notEmpty refuses an empty text; or is where the value comes from where the attribute is left out.
func notEmpty(or string) check {
	return check{summary: "Empty Value", rule: "must not be empty", find: func(value string) *diags.Problem {
		if value != "" {
			return nil
		}
		suggestion := "write a value, or leave it out"
		if or != "" {
			suggestion += " and set " + or
		}
		return &diags.Problem{Text: "is empty", Suggestion: suggestion}
	}}
}

func write(value string) string { return fmt.Sprintf("write %q", value) }

var registryHostCheck = check{
	summary: "Invalid Registry Address",
	rule:    "must be the host and, if needed, port of a registry, without scheme, user or path",
	find: func(value string) *diags.Problem {
		_, rest, hasScheme := strings.Cut(value, "://")
		if !hasScheme {
			rest = value
		}
		authority, path, hasPath := strings.Cut(rest, "/")
		_, host, hasUser := strings.Cut(authority, "@")
		if !hasUser {
			host = authority
		}
		if _, err := name.NewRegistry(host, name.StrictValidation); err != nil || host == "" {
			return &diags.Problem{Text: "is not the host and port of a registry", Suggestion: `write it like "registry.example.com:5000"`, Secret: hasUser}
		}
		problem := &diags.Problem{Suggestion: write(host), Secret: hasUser}
		switch {
		case hasUser:
			problem.Text = "carries a user or password, which would end up in logs and state; credentials come from `docker login` and its helpers"
		case hasScheme:
			problem.Text = "must not have a scheme"
		case hasPath && path != "":
			problem.Text = "must not have a path"
			problem.Suggestion += fmt.Sprintf(" and repository_prefix = %q", strings.Trim(path, "/"))
		case hasPath:
			problem.Text = "must not end with a slash"
		default:
			return nil
		}
		return problem
	},
}

// repositoryPath is the grammar of a repository's name in the OCI distribution specification.
var repositoryPath = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)

// maxRepositoryPrefix leaves room for the longest image name within the 255 characters that registries take.
const maxRepositoryPrefix = 255 - 1 - maxImageName

var repositoryPrefixCheck = check{
	summary: "Invalid Repository Prefix",
	rule:    "must be lower-case letters and digits, with single `.`, `_`, `-` or `/` between them",
	find: func(value string) *diags.Problem {
		if len(value) > maxRepositoryPrefix {
			return &diags.Problem{Text: fmt.Sprintf("is longer than %d characters", maxRepositoryPrefix)}
		}
		if repositoryPath.MatchString(value) {
			return nil
		}
		problem := &diags.Problem{Text: "must be lower-case letters and digits, with single dots, underscores, hyphens or slashes between them"}
		if proposal := strings.Trim(strings.ToLower(value), "/.-_"); repositoryPath.MatchString(proposal) {
			problem.Suggestion = write(proposal)
		}
		return problem
	},
}

var imageReferenceCheck = check{
	summary: "Invalid Image Reference",
	rule:    "must be an image reference, as `docker pull` takes it",
	find: func(value string) *diags.Problem {
		_, rest, hasScheme := strings.Cut(value, "://")
		if !hasScheme {
			rest = value
		}
		_, err := name.ParseReference(rest)
		switch {
		case err != nil:
			return &diags.Problem{
				Text:       "is not an image reference",
				Suggestion: `write it like "registry.example.com/python:3.11-slim-bookworm", in lower case`,
				Secret:     hasScheme && strings.Contains(rest, "@"),
			}
		case hasScheme:
			return &diags.Problem{Text: "must not have a scheme", Suggestion: write(rest)}
		default:
			return nil
		}
	},
}

// pythonVersion is a supported generation of Python 3: "3.1" is no such thing but 3.10 written as a number.
var pythonVersion = regexp.MustCompile(`^3\.(?:[6-9]|[1-9][0-9])$`)

var pythonVersionCheck = check{
	summary: "Invalid Python Version",
	rule:    "must be a string of the form `X.Y`, such as `\"3.11\"`",
	find: func(value string) *diags.Problem {
		if pythonVersion.MatchString(value) {
			return nil
		}
		digits := strings.TrimLeft(strings.ToLower(strings.TrimSpace(value)), "python-v ")
		parts := strings.Split(digits, ".")
		problem := &diags.Problem{Text: `must be major and minor version only, as a string like "3.11"`}
		switch {
		case value == "3.1" || value == "3.2" || value == "3.3":
			proposal := value + "0"
			problem.Text = fmt.Sprintf("is not a Python version this provider knows; %s without quotes is a number and loses its last zero", proposal)
			problem.Suggestion = "write " + strconv.Quote(proposal) + ", in quotes"
		case len(parts) > 2 && pythonVersion.MatchString(parts[0]+"."+parts[1]):
			problem.Suggestion = write(parts[0] + "." + parts[1])
		case pythonVersion.MatchString(digits):
			problem.Suggestion = write(digits)
		}
		return problem
	},
}

var (
	platform     = regexp.MustCompile(`^[a-z]+/[a-z0-9_]+(?:/[a-z0-9.]+)?$`)
	architecture = regexp.MustCompile(`^[a-z0-9_]+$`)
)

var platformCheck = check{
	summary: "Invalid Platform",
	rule:    "must be `os/arch` or `os/arch/variant`",
	find: func(value string) *diags.Problem {
		if platform.MatchString(value) {
			return nil
		}
		problem := &diags.Problem{Text: "must be an operating system and an architecture", Suggestion: `write it like "linux/amd64" or "linux/arm64/v8"`}
		if architecture.MatchString(value) {
			problem.Suggestion = write("linux/" + value)
		}
		return problem
	},
}

var durationCheck = check{
	summary: "Invalid Duration",
	rule:    "must be a positive duration such as `60s` or `2m30s`",
	find: func(value string) *diags.Problem {
		d, err := time.ParseDuration(value)
		if err == nil && d > 0 {
			return nil
		}
		problem := &diags.Problem{Text: "must be a positive number with a unit", Suggestion: `write it like "60s" or "2m30s"`}
		if _, err := strconv.ParseUint(value, 10, 32); err == nil && value != "0" {
			problem.Suggestion = fmt.Sprintf("write %q for seconds or %q for minutes", value+"s", value+"m")
		}
		return problem
	},
}

// buildkitSchemes are the transports BuildKit's own client has.
var buildkitSchemes = []string{"unix", "tcp", "docker-container", "kube-pod", "ssh"}

var buildkitAddressCheck = check{
	summary: "Invalid BuildKit Address",
	rule:    "must be the address of a BuildKit daemon with one of the schemes `" + strings.Join(buildkitSchemes, "://`, `") + "://`",
	find: func(value string) *diags.Problem {
		problem := &diags.Problem{
			Text:       "must begin with one of " + strings.Join(buildkitSchemes, "://, ") + "://",
			Suggestion: `write it like "tcp://buildkitd:1234" or "unix:///run/buildkit/buildkitd.sock"`,
		}
		scheme, rest, found := strings.Cut(value, "://")
		switch {
		case !found && strings.HasPrefix(value, "/"):
			problem.Suggestion = write("unix://" + value)
		case !found && strings.Contains(value, ":"):
			problem.Suggestion = write("tcp://" + value)
		case found && (scheme == "http" || scheme == "https"):
			problem.Suggestion = write("tcp://" + rest)
		case found && rest != "" && slices.Contains(buildkitSchemes, scheme):
			return nil
		}
		return problem
	},
}

var endpointCheck = check{
	summary: "Invalid Platform Address",
	rule:    "must be the web address of a RIME platform, without user, query and fragment",
	find:    refusedAddress(rime.ParseEndpoint),
}

var primehubEndpointCheck = check{
	summary: "Invalid PrimeHub Address",
	rule:    "must be the web address of PrimeHub's API, without user, query and fragment",
	find:    refusedAddress(primehub.ParseEndpoint),
}

// refusedAddress is the judgement of a platform's client. The value is not shown: a mistaken one may hold a password.
func refusedAddress(parse func(string) (string, error)) func(string) *diags.Problem {
	return func(value string) *diags.Problem {
		_, err := parse(value)
		refused, ok := errors.AsType[*httpx.ConfigError](err)
		if !ok {
			return nil
		}
		problem, suggestion, _ := strings.Cut(refused.Problem, "; ")
		return &diags.Problem{Text: problem, Suggestion: suggestion, Secret: true}
	}
}

var indexURLCheck = check{
	summary: "Invalid Package Index URL",
	rule:    "must be an `https://` or `http://` URL",
	find: func(value string) *diags.Problem {
		u, err := url.Parse(value)
		if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
			return nil
		}
		return &diags.Problem{
			Text:       "must be an http or https URL",
			Suggestion: `write it like "https://pypi.example.com/simple/"`,
			Secret:     true,
		}
	},
}

var packageNameCheck = check{
	summary: "Invalid Package Name",
	rule:    "must be the name of a Python package",
	find: func(value string) *diags.Problem {
		if pip, err := requirement.ParsePip(value); err == nil && pip == (requirement.Pip{Name: pip.Name}) && !strings.Contains(pip.Name, "[") {
			return nil
		}
		return &diags.Problem{Text: "is not the name of a Python package", Suggestion: `write it like "torch", without version and extras`}
	},
}

var excludeNewerCheck = check{
	summary: "Invalid Time",
	rule:    "must be a time as RFC 3339, or an age such as `7d`",
	find: func(value string) *diags.Problem {
		if _, err := parseExcludeNewer(value); err == nil {
			return nil
		}
		return &diags.Problem{Text: "is neither a time nor an age", Suggestion: `write it like "2026-11-01T00:00:00Z", or like "7d" or "12h"`}
	},
}

// age is a number of days or weeks, which Go's durations do not know.
var age = regexp.MustCompile(`^(\d{1,5})([dw])$`)

// parseExcludeNewer is the time that a text stands for at each moment.
func parseExcludeNewer(text string) (func() time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return func() time.Time { return at }, nil
	}
	back, err := time.ParseDuration(text)
	if m := age.FindStringSubmatch(text); m != nil {
		days, _ := strconv.Atoi(m[1]) // it is a number
		if m[2] == "w" {
			days *= 7
		}
		back, err = time.Duration(days)*24*time.Hour, nil
	}
	if err == nil && back <= 0 {
		err = errors.New("the age is not positive")
	}
	return func() time.Time { return time.Now().Add(-back) }, err
}

var awsEndpointCheck = check{
	summary: "Invalid AWS Endpoint",
	rule:    "must be an `https://` or `http://` address",
	find: func(value string) *diags.Problem {
		u, err := url.Parse(value)
		if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil {
			return nil
		}
		return &diags.Problem{Text: "must be an http or https address without user", Suggestion: `write it like "https://ecr.example.com"`, Secret: true}
	},
}

var patternCheck = check{
	summary: "Invalid Regular Expression",
	rule:    "must be a regular expression in RE2 syntax",
	find: func(value string) *diags.Problem {
		if _, err := regexp.Compile(value); err != nil {
			return &diags.Problem{Text: "is not a regular expression in RE2 syntax: " + err.Error()}
		}
		return nil
	},
}
