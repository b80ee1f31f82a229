package requirement

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pipline"
)

// setting is an option that says where distributions are, in the line that has it.
type setting struct {
	at           place
	line, option string
	// attribute is where it belongs in embedded_registry.pip of the provider.
	attribute string
}

// optionRefusal is what to say of an option that changes what is installed and that no result has a place for.
type optionRefusal struct{ problem, suggestion string }

// refusedOptions are those of the options that pip takes in a line of their own.
var refusedOptions = map[string]optionRefusal{
	"--no-index": {
		"makes pip look at no index",
		"leave the line out, and set index_url of pip in the provider's embedded_registry to an index that has all of the distributions",
	},
	"--no-binary": {
		"makes pip build what a wheel is there for, and an image gets the wheel",
		`leave the line out, or write the address of the source distribution behind the name: "name @ address"`,
	},
	"--only-binary": {
		"makes pip take an older version where the newest has no wheel",
		"leave the line out: the plan names each distribution that has to be built, whose version can be bounded to one that has a wheel",
	},
	"--prefer-binary": {
		"makes pip take an older version where the newest has no wheel",
		"leave the line out: the plan names each distribution that has to be built, whose version can be bounded to one that has a wheel",
	},
	"--require-hashes": {"says that every line has hashes", hashAdvice},
	"--pre":            {"makes pip take pre-releases of everything, which is no requirement", preAdvice},
	"--all-releases":   {"makes pip take pre-releases, which is no requirement", preAdvice},
	"--only-final": {
		"keeps pip from taking pre-releases where there is nothing else",
		"leave the line out: a pre-release is only taken where a requirement names one, or no release fits",
	},
	"--hash":            {"fixes the archive of the line before it, which does not end in a backslash", hashAdvice},
	"--config-settings": {"is for the build of a requirement, and stands behind none", "leave the line out"},
}

// harmlessOptions change nothing about what is installed. The hosts that are trusted without a certificate are: where one is
// needed, the plan says that the connection failed. Features are of pip's own machinery. Hashes that are not required are
// refused where there are some.
var harmlessOptions = map[string]bool{"--trusted-host": true, "--use-feature": true, "--no-require-hashes": true}

// preAdvice says how to ask for pre-releases.
const preAdvice = `leave the line out, and ask for a pre-release where one is wanted, for example "torch>=2.5.dev0"`

// options reads a line that has options only.
func (r *pipReader) options(at place, line string, options []pipline.Option) {
	for _, o := range options {
		if o.Name != "--requirement" && o.Name != "--constraint" {
			r.option(at, line, o)
			continue
		}
		if len(options) > 1 {
			r.refuse(at, newError(FieldPip, line, o.Written, "stands beside another option, and pip reads one file a line",
				"write each option in a line of its own"))
			return
		}
		r.include(at, line, o)
	}
}

// option reads one option of a line.
func (r *pipReader) option(at place, line string, o pipline.Option) {
	refusal, refused := refusedOptions[o.Name]
	switch {
	case harmlessOptions[o.Name]:
	case o.Value == ":none:" && strings.HasSuffix(o.Name, "-binary"): // what holds without the option
	case refused:
		r.refuse(at, newError(FieldPip, line, o.Written, refusal.problem, refusal.suggestion))
	default:
		r.setting(at, line, o)
	}
}

// setting reads an option that says where distributions are.
func (r *pipReader) setting(at place, line string, o pipline.Option) {
	if fault := diagnoseIndex(line, o); fault != nil {
		r.refuse(at, fault)
		return
	}
	s := setting{at: at, line: line, option: o.Written}
	switch o.Name {
	case "--index-url":
		// pip forgets all indexes that earlier lines have named.
		r.indexURL, r.extraIndexURLs, s.attribute = o.Value, nil, "index_url"
	case "--extra-index-url":
		r.extraIndexURLs, s.attribute = appendNew(r.extraIndexURLs, o.Value), "extra_index_urls"
	case "--find-links":
		r.findLinks, s.attribute = appendNew(r.findLinks, o.Value), "find-links in config"
	}
	r.settings = append(r.settings, s)
}

// appendNew appends what is not there yet.
func appendNew(list []string, value string) []string {
	if slices.Contains(list, value) {
		return list
	}
	return append(list, value)
}

// diagnoseIndex says why the address of an option cannot be one of an index, nil if it can.
func diagnoseIndex(line string, o pipline.Option) *Error {
	if variable.MatchString(o.Value) { // which is mostly a secret, and not shown
		return newError(FieldPip, line, o.Written, "has a variable of pip's environment in its address, which is not at hand here", variableAdvice)
	}
	u, err := url.Parse(o.Value)
	switch {
	case err != nil:
		return newError(FieldPip, line, o.Written, "has an address that cannot be read", "write one of https")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return newError(FieldPip, line, o.Written, "has a path, and an image cannot have files of the machine that the list is from",
			"leave the line out, and publish what is there in an index")
	}
	return nil
}

// refuseSettings refuses the lines that say where distributions are, and says what each of them becomes.
func (r *pipReader) refuseSettings() {
	for _, s := range r.settings {
		r.refuse(s.at, newError(FieldPip, s.line, s.option, "is a setting of the provider: "+s.attribute+" of pip in embedded_registry",
			"read the file with the function read_pip_file, which returns it, or set it there and leave the line out; "+
				"on a platform its administrator does"))
	}
}

// diagnoseOptionsBehind says what is wrong with the options behind a requirement.
func diagnoseOptionsBehind(line string, options []pipline.Option, err error) []*Error {
	var faults []*Error
	hashed := false
	for _, o := range options {
		problem, suggestion := "is an option that pip leaves out in silence behind a requirement", "write it in a line of its own, or leave it out"
		switch {
		case o.Name == "--hash":
			if hashed {
				continue
			}
			hashed = true
			problem, suggestion = hashProblem, hashAdvice
		case o.Name == "--config-settings":
			problem = "is for the build of the distribution, which gets no settings"
			suggestion = "leave it out, or publish the built distribution in an index"
		case strings.HasSuffix(o.Name, "-binary") && o.Name != "--prefer-binary":
			problem, suggestion = refusedOptions[o.Name].problem, strings.Replace(refusedOptions[o.Name].suggestion, "the line", "it", 1)
		}
		faults = append(faults, newError(FieldPip, line, o.Written, problem, suggestion))
	}
	if refused, ok := errors.AsType[*pipline.OptionError](err); ok {
		problem, suggestion := refused.Problem, "write it in a line of its own"
		if refused.Unknown {
			problem, suggestion = "is an option of pip, not part of a requirement", "leave it out"
		}
		faults = append(faults, newError(FieldPip, line, refused.Part, problem, suggestion))
	}
	return faults
}

// diagnoseOptionLine says what is wrong with a line that begins with an option.
func diagnoseOptionLine(line string, err error) []*Error {
	refused, ok := errors.AsType[*pipline.OptionError](err)
	if !ok || refused.Unknown || refused.Part == "-" {
		return diagnosePip(line)
	}
	suggestion := "write each option in a line of its own, with its value behind it"
	return []*Error{newError(FieldPip, line, refused.Part, refused.Problem, suggestion)}
}
