package rime

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// release is a library in the made-up world of the builds of this package: its newest version, and what it needs.
type release struct {
	version string
	needs   []string
}

// catalogue has a few libraries as users know them. All others exist in version 1.0.0, and need one library of their own.
var catalogue = map[string]release{
	"catboost":        {"1.2.3", []string{"numpy", "pandas"}},
	"joblib":          {"1.3.2", nil},
	"numpy":           {"1.24.4", nil},
	"pandas":          {"1.5.3", []string{"numpy", "python-dateutil", "pytz", "six"}},
	"pip":             {"23.2.1", nil},
	"pyyaml":          {"6.0.1", nil},
	"pytz":            {"2023.3", nil},
	"python-dateutil": {"2.8.2", []string{"six"}},
	"scikit-learn":    {"1.3.2", []string{"joblib", "numpy", "scipy", "threadpoolctl"}},
	"scipy":           {"1.10.1", []string{"numpy"}},
	"setuptools":      {"68.2.2", nil},
	"six":             {"1.16.0", nil},
	"tensorflow":      {"2.13.1", []string{"numpy", "six"}},
	"threadpoolctl":   {"3.2.0", nil},
	"torch":           {"2.0.1", nil},
	"wheel":           {"0.41.3", nil},
	"xgboost":         {"1.7.6", []string{"numpy", "scipy"}},
}

// baseSet is on every image.
var baseSet = []string{"pip", "setuptools", "wheel", "numpy", "pandas", "PyYAML"}

// engine is the library of the platform itself; its version is the platform's.
const engine = "rime-engine"

// simulated ends the names of the libraries that the unknown ones need.
const simulated = "-simulated-dependency"

// installed is what pip list would say on the image, by name: what was asked for, what that needs, and the base set.
func installed(in inputs, tag string) []library {
	asked := map[string]string{}
	for _, r := range in.pip {
		if r.VersionSpecifier != "" {
			asked[normalName(r.Name)] = pick(r.VersionSpecifier)
		}
	}
	found := map[string]library{engine: {engine, tag}}
	var add func(name string)
	add = func(name string) {
		normal := normalName(name)
		if _, there := found[normal]; there {
			return
		}
		r, known := catalogue[normal]
		if !known {
			r.version = "1.0.0"
			if !strings.HasSuffix(normal, simulated) {
				r.needs = []string{normal + simulated}
			}
		}
		found[normal] = library{name, cmp.Or(asked[normal], r.version)}
		for _, needed := range r.needs {
			add(needed)
		}
	}
	for _, r := range in.pip {
		name, _, _ := strings.Cut(r.Name, "[")
		add(name)
	}
	for _, name := range baseSet {
		add(name)
	}
	list := make([]library, 0, len(found))
	for _, l := range found {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b library) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return list
}

var clause = regexp.MustCompile(`^(===|==|~=|>=|<=|!=|<|>)?\s*(.*?)(?:\.\*)?$`)

// pick chooses a version for a specifier, roughly: the fixed one, or a bound. Empty is the newest.
func pick(specifier string) string {
	bounds := map[string]string{}
	for each := range strings.SplitSeq(specifier, ",") {
		m := clause.FindStringSubmatch(strings.TrimSpace(each))
		bounds[m[1]] = m[2]
	}
	above := bounds[">"]
	if above != "" {
		above += ".1"
	}
	return cmp.Or(bounds[""], bounds["==="], bounds["=="], bounds["~="], bounds["<="], bounds[">="], above)
}
