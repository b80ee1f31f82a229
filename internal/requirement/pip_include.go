package requirement

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pipline"
)

// addressBegin begins what pip fetches.
var addressBegin = regexp.MustCompile(`(?i)^(?:https?|ftp|file):|://`)

// include reads the file that a line names.
func (r *pipReader) include(at place, line string, option pipline.Option) {
	name := option.Value
	bounds := option.Name == "--constraint"
	resolved := resolvePath(at.file, name)
	text, given := r.files[resolved]
	fault := func(problem, suggestion string) {
		r.refuse(at, newError(FieldPip, line, option.Written, problem, suggestion))
	}
	switch {
	case variable.MatchString(name):
		r.refuse(at, diagnoseVariable(line, name))
	case slices.Contains(r.reading, resolved):
		fault("includes the file that the line is in, or one that includes it: a cycle", "leave one of the lines out")
	case !given && addressBegin.MatchString(resolved):
		fault("names a file by its address, and nothing is fetched",
			"fetch it with the data source http, and pass its text under its address in the function's second argument")
	case !given:
		problem, suggestion := fmt.Sprintf("names the file %s, whose text was not passed", quote(resolved)), "pass "+argument(resolved)
		if redact.Input(name) != name || redact.Input(resolved) != resolved {
			problem, suggestion = "names a file whose text was not passed", "pass its text under its path"
		}
		fault(problem, suggestion+" as the function's second argument")
	default:
		r.read(resolved, text, bounds)
	}
}

// argument is what a user passes for a file.
func argument(name string) string {
	file := "${path.module}/" + name
	if path.IsAbs(name) || strings.HasPrefix(name, "~/") {
		file = name
	}
	return fmt.Sprintf("{ %q = file(%q) }", name, file)
}

// resolvePath is the path of a file as pip finds it: from where the including file is.
func resolvePath(from, name string) string {
	switch base, err := url.Parse(from); {
	case strings.Contains(name, "://"):
		return name
	case strings.Contains(from, "://") && err == nil:
		if joined, err := base.Parse(name); err == nil {
			return joined.String()
		}
	case !path.IsAbs(name):
		return path.Join(path.Dir(from), name)
	}
	return path.Clean(name)
}
