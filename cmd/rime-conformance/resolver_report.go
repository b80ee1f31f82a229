package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"
	"text/tabwriter"
)

// agreement is the least share of sets, in percent, in which the resolvers have to agree.
const agreement = 99

// line is what came of the set in one line.
func (o *outcome) line() string {
	text := fmt.Sprintf("set %d: %s, ours %.2f s and %.2f s again, uv %.2f s and %.2f s, %d distributions", o.Set.Number, verdictOn(o.Difference, o.as(), o.Own.resolution),
		o.Own.Cold.Seconds(), o.Own.Warm.Seconds(), o.UV.Cold.Seconds(), o.UV.Warm.Seconds(), len(o.Own.Pins))
	if o.Pip != nil {
		text += fmt.Sprintf("; with pip %s, %.2f s", verdictOn(o.Pip.Difference, "", o.Pip.Own.resolution), o.Pip.Pip.Cold.Seconds())
	}
	return text
}

// as is who answers as we do where uv does not, empty for nobody.
func (o *outcome) as() string {
	switch {
	case o.AsPip:
		return "pip"
	case o.AsFinal:
		return "uv without pre-releases"
	}
	return ""
}

// told is what differs from uv, and what pip says to it.
func (o *outcome) told() string {
	switch {
	case o.as() != "":
		return fmt.Sprintf("(%s answers as we do) %s", o.as(), o.Difference)
	case o.FromPip != "":
		return o.Difference + " || and pip: " + o.FromPip
	}
	return o.Difference
}

func verdictOn(difference, as string, own resolution) string {
	switch {
	case difference != "" && as != "":
		return "different, but as " + as
	case difference != "":
		return "DIFFERENT"
	case own.Refused != "":
		return "both refuse"
	}
	return "same"
}

// report prints what came of all sets. The error is that too few are alike, or that some answer of ours is wrong.
func report(out *log.Logger, outcomes []outcome, locks []lockOutcome, uv, pip string) error {
	var withUV, withPip tally
	var faults []string
	for _, o := range outcomes {
		withUV.add(o.Set, o.Own.resolution, o.told(), o.as() != "")
		faults = append(faults, faultsOf(o.Set, o.Faults)...)
		if o.Pip != nil {
			withPip.add(o.Pip.Set, o.Pip.Own.resolution, o.Pip.Difference, false)
			faults = append(faults, faultsOf(o.Pip.Set, o.Pip.Faults)...)
		}
	}
	table := &table{}
	table.row("compared with", "sets", "same", "both refuse", "as another", "different", "agree")
	withUV.row(table, uv)
	withPip.row(table, pip)
	table.print(out)
	withUV.print(out, uv)
	withPip.print(out, pip)
	printCosts(out, outcomes)
	for _, f := range faults {
		out.Printf("    NOT VALID %s", f)
	}
	wrongLocks := printLocks(out, locks)
	err := errors.Join(withUV.enough(uv), withPip.enough(pip))
	if len(faults) > 0 {
		err = errors.Join(err, fmt.Errorf("%d answers of ours are not valid by packaging", len(faults)))
	}
	if wrongLocks > 0 {
		err = errors.Join(err, fmt.Errorf("%d locks of ours cannot be installed as they are", wrongLocks))
	}
	return err
}

func faultsOf(set requirementSet, faults []string) []string {
	if len(faults) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("set %s: %s", set, strings.Join(faults, "; "))}
}

// printLocks says what came of the locks, and counts those that are wrong.
func printLocks(out *log.Logger, locks []lockOutcome) (wrong int) {
	for _, l := range locks {
		if l.problem != "" {
			wrong++
			out.Printf("    WRONG LOCK of set %s: %s", l.set, l.problem)
		}
	}
	out.Printf("    %d of %d locks are installed by pip with their hashes, pip check is content, and uv reads the same versions", len(locks)-wrong, len(locks))
	return wrong
}

// tally counts how often a resolver agrees with ours.
type tally struct {
	sets, same, refused int
	// asAnother is how many differ in what pip does as we do, or uv without pre-releases. They agree: pip's answers are what we are after.
	asAnother, different int
	differences          []string
}

func (t *tally) add(set requirementSet, own resolution, difference string, asAnother bool) {
	t.sets++
	if difference != "" {
		t.differences = append(t.differences, fmt.Sprintf("set %s: %s", set, difference))
	}
	switch {
	case difference != "" && asAnother:
		t.asAnother++
	case difference != "":
		t.different++
	case own.Refused != "":
		t.refused++
	default:
		t.same++
	}
}

func (t *tally) row(table *table, name string) {
	table.row(name, fmt.Sprint(t.sets), fmt.Sprint(t.same), fmt.Sprint(t.refused), fmt.Sprint(t.asAnother), fmt.Sprint(t.different), fmt.Sprintf("%.1f %%", t.share()))
}

func (t *tally) print(out *log.Logger, name string) {
	for _, d := range t.differences {
		out.Printf("    different from %s: %s", name, d)
	}
}

// share is how many agree, in percent.
func (t *tally) share() float64 {
	if t.sets == 0 {
		return 100
	}
	return 100 * float64(t.same+t.refused+t.asAnother) / float64(t.sets)
}

func (t *tally) enough(name string) error {
	if t.share() >= agreement {
		return nil
	}
	return fmt.Errorf("we agree with %s in %.1f %% of the sets, and have to in %d %%", name, t.share(), agreement)
}

// printCosts prints time, requests and memory beside uv's. The goals are those of the design; a machine that does other work as well misses some of them.
func printCosts(out *log.Logger, outcomes []outcome) {
	table := &table{}
	table.row("ours", "median", "worst", "in set", "goal")
	for _, cost := range []struct {
		name, format, goal string
		of                 func(outcome) float64
	}{
		{"cold, times uv's", "%.2f", "1.5, worst 3", func(o outcome) float64 { return ratio(o.Own.Cold.Seconds(), o.UV.Cold.Seconds()) }},
		{"again, times uv's", "%.2f", "", func(o outcome) float64 { return ratio(o.Own.Warm.Seconds(), o.UV.Warm.Seconds()) }},
		{"cold", "%.2f s", "", func(o outcome) float64 { return o.Own.Cold.Seconds() }},
		{"again", "%.2f s", "0.3", func(o outcome) float64 { return o.Own.Warm.Seconds() }},
		{"uv, cold", "%.2f s", "", func(o outcome) float64 { return o.UV.Cold.Seconds() }},
		{"uv, again", "%.2f s", "", func(o outcome) float64 { return o.UV.Warm.Seconds() }},
		{"requests", "%.0f", "", func(o outcome) float64 { return float64(o.Own.Requests) }},
		{"received", "%.1f MB", "", func(o outcome) float64 { return float64(o.Own.Received) / 1e6 }},
		{"resident at most", "%.1f MB", "60", func(o outcome) float64 { return float64(o.Own.Resident) / 1e6 }},
		{"of it before it began", "%.1f MB", "", func(o outcome) float64 { return float64(o.Own.Before) / 1e6 }},
	} {
		median, worst, at := spread(outcomes, cost.of)
		table.row(cost.name, fmt.Sprintf(cost.format, median), fmt.Sprintf(cost.format, worst), fmt.Sprint(at), cost.goal)
	}
	table.print(out)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// spread is the median and the largest of a figure, and which set has that. Sets without an answer do not count.
func spread(outcomes []outcome, of func(outcome) float64) (median, worst float64, at int) {
	type figure struct {
		value float64
		set   int
	}
	var figures []figure
	for _, o := range outcomes {
		if o.Own.Failed == "" && o.UV.Failed == "" {
			figures = append(figures, figure{of(o), o.Set.Number})
		}
	}
	if len(figures) == 0 {
		return 0, 0, 0
	}
	slices.SortFunc(figures, func(a, b figure) int { return cmp.Compare(a.value, b.value) })
	last := figures[len(figures)-1]
	return figures[len(figures)/2].value, last.value, last.set
}

// table is rows of cells.
type table struct{ rows []string }

func (t *table) row(cells ...string) { t.rows = append(t.rows, strings.Join(cells, "\t")) }

func (t *table) print(out *log.Logger) {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, strings.Join(t.rows, "\n")) // memory takes it
	_ = w.Flush()
	for line := range strings.Lines(b.String()) {
		out.Println("    " + strings.TrimRight(line, " \n"))
	}
}
