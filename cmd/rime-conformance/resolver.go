package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

// resolverOptions says which of the sets are resolved, and how.
type resolverOptions struct {
	// sets is how many of them, only the numbers of those that are taken alone.
	sets int
	only []int
	// index is the package index, before leaves out what came to it later.
	index  string
	before time.Time
	// results is a file that remembers what was found, and lets a later run go on. Empty is none.
	results string
	// program resolves one set: see [resolveOne].
	program string
}

// outcome is what came of one set.
type outcome struct {
	Set    requirementSet `json:"set"`
	Before time.Time      `json:"before"`
	Own    ownAnswer      `json:"own"`
	UV     resolution     `json:"uv"`
	// Difference is what differs, and why as far as that is known. Empty where there is no difference.
	Difference string `json:"difference,omitempty"`
	// AsPip tells that pip, told of the same target, gives the answer that we give where uv gives another; FromPip is what differs where it does not.
	AsPip   bool   `json:"as_pip,omitempty"`
	FromPip string `json:"from_pip,omitempty"`
	// AsFinal tells that uv gives our answer when it is told to take no pre-releases, which pip would not take there.
	AsFinal bool `json:"as_final,omitempty"`
	// Faults are what is wrong with our answer.
	Faults []string `json:"faults,omitempty"`
	// Pip is what pip says where the set fits the Python that it runs on.
	Pip *pipOutcome `json:"pip,omitempty"`
}

// pipOutcome is the same for pip, and for its own Python.
type pipOutcome struct {
	Set        requirementSet `json:"set"`
	Own        ownAnswer      `json:"own"`
	Pip        resolution     `json:"pip"`
	Difference string         `json:"difference,omitempty"`
	Faults     []string       `json:"faults,omitempty"`
}

// resolverCheck compares our resolver with those of others.
type resolverCheck struct {
	referees
	options resolverOptions
	// machine is the Python that pip runs on.
	machine description
	out     *log.Logger
}

// checkResolver lets uv and pip judge our resolver, and pip install what it finds.
func (c *conformance) checkResolver(ctx context.Context, venv, version string) error {
	if err := writeScripts(c.dir); err != nil {
		return err
	}
	r := &resolverCheck{
		options: c.resolver, out: c.out,
		referees: referees{python: venv, uv: filepath.Join(filepath.Dir(venv), "uv"), dir: c.dir, index: c.resolver.index, before: c.resolver.before},
	}
	var err error
	if r.machine, err = r.describe(ctx); err != nil {
		return err
	}
	known, err := readOutcomes(r.options.results)
	if err != nil {
		return err
	}
	if err := r.chooseTime(ctx, known); err != nil {
		return err
	}
	outcomes, err := r.all(ctx, known)
	if err != nil {
		return err
	}
	locks, err := r.checkLocks(ctx, outcomes)
	if err != nil {
		return err
	}
	return report(r.out, outcomes, locks, "uv "+version, "pip "+r.machine.Pip)
}

// chooseTime decides what is too new: what the user said, what the results so far were made with, or a week ago. An index that
// tells no times cannot leave anything out.
func (r *resolverCheck) chooseTime(ctx context.Context, known map[string]outcome) error {
	for _, o := range known {
		r.before = cmp.Or(r.before, o.Before)
	}
	if r.before.IsZero() {
		r.before = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -7)
	}
	transport, err := httpx.NewTransport(httpx.Trust{})
	if err != nil {
		return err
	}
	client, err := pythonindex.New(pythonindex.Options{Indexes: []pythonindex.Index{{URL: r.index}}, Transport: transport, Retries: 3})
	if err != nil {
		return err
	}
	files, err := client.Files(ctx, "pip")
	if err != nil {
		return fmt.Errorf("%w: %w", errUnavailable, err)
	}
	tells := slices.ContainsFunc(files, func(f *pythonindex.File) bool { return !f.Uploaded.IsZero() })
	if !tells {
		r.before = time.Time{}
		r.out.Println("    the index tells no times: what comes to it meanwhile may make a difference")
	}
	return nil
}

// all compares set after set, and then lets pip decide where uv has another answer, which takes longest.
func (r *resolverCheck) all(ctx context.Context, known map[string]outcome) (outcomes []outcome, err error) {
	for _, set := range makeSets(r.options.sets) {
		if len(r.options.only) > 0 && !slices.Contains(r.options.only, set.Number) {
			continue
		}
		o, ok := known[set.String()]
		if !ok || !o.Before.Equal(r.before) {
			if o, err = r.twice(ctx, set); err == nil {
				err = appendOutcome(r.options.results, o)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("set %s: %w", set, err)
		}
		r.out.Println("    " + o.line())
		outcomes = append(outcomes, o)
	}
	for i := range outcomes {
		o := &outcomes[i]
		if !o.undecided() {
			continue
		}
		if err = r.decide(ctx, o); err == nil {
			err = appendOutcome(r.options.results, *o)
		}
		if err != nil {
			return nil, fmt.Errorf("set %s: %w", o.Set, err)
		}
		r.out.Println("    " + o.line())
	}
	return outcomes, nil
}

// undecided tells an outcome that pip has not decided yet, and that it may.
func (o *outcome) undecided() bool {
	return o.Difference != "" && o.Own.Failed == "" && !o.AsPip && !o.AsFinal && (o.FromPip == "" || strings.HasPrefix(o.FromPip, failureOf("pip")))
}

// decide asks pip, told of the set's target, where uv has another answer than we. pip takes longest, so that uv goes first where it took pre-releases
// and may have our answer without them.
func (r *resolverCheck) decide(ctx context.Context, o *outcome) error {
	if prereleases(o.UV.Pins, o.Own.Pins) != "" && prereleases(o.Own.Pins, o.UV.Pins) == "" {
		final, err := r.askUV(ctx, o.Set, "--prerelease", "disallow")
		if o.AsFinal = err == nil && differs(o.Own.resolution, final, "uv") == ""; o.AsFinal || err != nil {
			return err
		}
	}
	third, err := r.askPip(ctx, o.Set, o.Own.Environment)
	if err != nil {
		return err
	}
	if o.FromPip, err = r.difference(ctx, o.Set, o.Own.resolution, third, "pip"); err == nil {
		o.AsPip = o.FromPip == ""
	}
	return err
}

// twice compares one set, and a second time where there is a difference that may have passed: somebody did not answer, or the index can have moved on between
// two answers.
func (r *resolverCheck) twice(ctx context.Context, set requirementSet) (outcome, error) {
	o, err := r.once(ctx, set)
	if err == nil && (o.failed() || o.differs() && r.before.IsZero()) {
		o, err = r.once(ctx, set)
	}
	return o, err
}

func (o *outcome) differs() bool { return o.Difference != "" || o.Pip != nil && o.Pip.Difference != "" }

func (o *outcome) failed() bool {
	return o.Own.Failed+o.UV.Failed != "" || o.Pip != nil && o.Pip.Own.Failed+o.Pip.Pip.Failed != ""
}

// once compares one set with uv, and with pip if it fits. Every other time uv goes first: who goes second may find things ready in caches on the way.
func (r *resolverCheck) once(ctx context.Context, set requirementSet) (o outcome, err error) {
	o = outcome{Set: set, Before: r.before}
	turns := []func() error{
		func() (err error) { o.Own, o.Faults, err = r.own(ctx, set); return err },
		func() (err error) { o.UV, err = r.askUV(ctx, set); return err },
	}
	if set.Number%2 == 0 {
		slices.Reverse(turns)
	}
	for _, turn := range turns {
		if err := turn(); err != nil {
			return o, err
		}
	}
	if o.Difference, err = r.difference(ctx, set, o.Own.resolution, o.UV, "uv"); err != nil {
		return o, err
	}
	if fits := set.Target; r.machine.fits && fits.minorVersion() == r.machine.minorVersion() && fits.Machine == r.machine.Machine && fits.Libc == r.machine.Libc {
		o.Pip, err = r.withPip(ctx, set)
	}
	return o, err
}

// withPip compares the set with pip, for exactly the Python that it runs on.
func (r *resolverCheck) withPip(ctx context.Context, set requirementSet) (o *pipOutcome, err error) {
	set.Target = r.machine.pythonTarget
	o = &pipOutcome{Set: set}
	if o.Own, o.Faults, err = r.own(ctx, set); err != nil {
		return nil, err
	}
	if o.Pip, err = r.askPip(ctx, set, nil); err != nil {
		return nil, err
	}
	o.Difference, err = r.difference(ctx, set, o.Own.resolution, o.Pip, "pip")
	return o, err
}

// own is our answer, and what is wrong with it.
func (r *resolverCheck) own(ctx context.Context, set requirementSet, constraints ...string) (own ownAnswer, faults []string, err error) {
	own, err = resolveOwn(ctx, r.options.program, resolveTask{set, r.index, r.before, constraints})
	if err == nil && own.Pins != nil {
		faults, err = r.judge(ctx, set, own)
	}
	for i := range own.Distributions { // of no more use, and long
		own.Distributions[i].Requires, own.Distributions[i].Extras = nil, nil
	}
	return own, faults, err
}
