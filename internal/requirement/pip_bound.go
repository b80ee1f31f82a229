package requirement

import (
	"fmt"
	"slices"
)

// bound are the requirements, each with the constraints of its distribution. A constraint with a marker binds nothing
// here: it holds in a part of the images only.
func (r *pipReader) bound() placedPips {
	all := placedPips{slices.Clone(r.required.pips), slices.Clone(r.required.at), slices.Clone(r.required.texts)}
	for i, c := range r.constraints.pips {
		for _, required := range r.required.pips {
			if binds(c, required) {
				all.add(Pip{Name: required.Name, VersionSpecifier: c.VersionSpecifier, Marker: required.Marker}, r.constraints.at[i], r.constraints.texts[i])
			}
		}
	}
	return all
}

// binds tells whether a requirement can hold the constraint.
func binds(constraint, required Pip) bool {
	return constraint.Marker == "" && required.URL == "" && required.Distribution() == constraint.Distribution()
}

// refuseUnbound refuses constraints that no requirement can hold.
func (r *pipReader) refuseUnbound() {
	for i, c := range r.constraints.pips {
		if slices.ContainsFunc(r.required.pips, func(required Pip) bool { return binds(c, required) }) {
			continue
		}
		problem := "is a constraint of a distribution that no requirement names, and requirements cannot hold it"
		if c.Marker != "" {
			problem = "is a constraint of some environments only, and requirements cannot hold it"
		}
		r.refuse(r.constraints.at[i], newError(FieldPip, r.constraints.texts[i], "", problem,
			"read the file with the function read_pip_file, whose constraints are for pip_constraints"))
	}
}

// refuseConflict refuses what no version can meet, with the line that each comparison is from.
func (r *pipReader) refuseConflict(j *joinedPip, from *placedPips) {
	places := map[string]place{}
	for _, i := range slices.Backward(j.from) {
		specifier, _ := matchSpecifier(from.pips[i].VersionSpecifier)
		for _, c := range specifier.Clauses() {
			places[c.String()] = from.at[i]
		}
	}
	var told []place
	fault := j.fault(func(clause string) string {
		told = append(told, places[clause])
		return fmt.Sprintf("%s (%s)", quote(clause), places[clause])
	})
	if fault == nil {
		return
	}
	last := told[len(told)-1]
	for _, p := range told {
		if p.file == last.file && p.line > last.line {
			last = p
		}
	}
	r.refuse(last, fault)
}
