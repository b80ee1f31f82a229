package main

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
)

//go:embed resolver/distributions.txt
var distributionsText string

//go:embed resolver/particular.txt
var particularText string

// requirementSets is how many sets there are. The first n are the same whatever their number.
const requirementSets = 500

// requirementSet is what is to be resolved for one target.
type requirementSet struct {
	// Number counts from 1.
	Number int `json:"number"`
	// Kind says what the set is there to show.
	Kind         string       `json:"kind"`
	Target       pythonTarget `json:"target"`
	Requirements []string     `json:"requirements"`
}

// String is the set in one line.
func (s requirementSet) String() string {
	return fmt.Sprintf("%d (%s, %s): %s", s.Number, s.Kind, s.Target, strings.Join(s.Requirements, " | "))
}

// pythonTarget is a CPython on a Linux.
type pythonTarget struct {
	Python  string      `json:"python"`
	Machine string      `json:"machine"`
	Libc    pep425.Libc `json:"libc"`
	// Major and Minor are the version of the C library.
	Major int `json:"major"`
	Minor int `json:"minor"`
}

// String is the target in a few words.
func (t pythonTarget) String() string {
	return fmt.Sprintf("Python %s, %s, %s %d.%d", t.Python, t.Machine, t.Libc, t.Major, t.Minor)
}

// minorVersion is that of Python ("3.11").
func (t pythonTarget) minorVersion() string {
	return t.Python[:strings.LastIndex(t.Python, ".")]
}

// distributionChoice is a line of the list: a distribution with what may be said of it.
type distributionChoice struct {
	name            string
	extras, clauses []string
}

// setKinds are the kinds of sets, each as often as it is to be among twenty. Those of the file particular.txt are called as there.
var setKinds = []string{
	"small", "small", "small", "medium", "medium", "medium", "medium", "large", "large", "mixed", "extras", "extras", "extras", "old", "old",
	"markers", "pre-release", "yanked", "impossible", "unknown or two",
}

var (
	pythons    = []string{"3.9.23", "3.10.18", "3.11.13", "3.12.11", "3.13.5"}
	setMarkers = []string{
		"python_version < '3.11'", "python_version >= '3.11'", "python_full_version >= '3.9.1'", "sys_platform == 'linux'",
		"sys_platform == 'win32'", "platform_machine == 'x86_64'", "platform_machine != 'x86_64' and platform_machine != 'AMD64'",
		"platform_system != 'Darwin' or platform_machine == 'arm64'", "implementation_name == 'cpython' and python_version < '3.13'", "os_name == 'posix'",
	}
)

// setMaker makes sets out of the lists.
type setMaker struct {
	areas      []string
	areaOf     map[string][]distributionChoice
	particular map[string][][]string
}

// makeSets are the first n sets.
func makeSets(n int) []requirementSet {
	m := readSetLists()
	sets := make([]requirementSet, n)
	for i := range sets {
		sets[i] = m.make(i + 1)
	}
	return sets
}

// readSetLists reads both lists. They are in the program, and a test reads them, so that they have no errors.
func readSetLists() *setMaker {
	m := &setMaker{areaOf: map[string][]distributionChoice{}, particular: map[string][][]string{}}
	for area, line := range sections(distributionsText) {
		if len(m.areaOf[area]) == 0 {
			m.areas = append(m.areas, area)
		}
		words := strings.Fields(line)
		choice := distributionChoice{name: words[0]}
		for _, word := range words[1:] {
			if word[0] == '[' {
				choice.extras = append(choice.extras, word)
			} else {
				choice.clauses = append(choice.clauses, word)
			}
		}
		m.areaOf[area] = append(m.areaOf[area], choice)
	}
	for kind, line := range sections(particularText) {
		m.particular[kind] = append(m.particular[kind], strings.Split(line, " | "))
	}
	return m
}

// sections yields the lines of a list, each with the title above it.
func sections(text string) func(yield func(title, line string) bool) {
	return func(yield func(title, line string) bool) {
		title := ""
		for line := range strings.SplitSeq(text, "\n") {
			if named, ok := strings.CutPrefix(line, "= "); ok {
				title = named
			} else if line != "" && line[0] != '#' && !yield(title, line) {
				return
			}
		}
	}
}

// make makes one set. Each has random numbers of its own, so that it depends on no other.
func (m *setMaker) make(number int) requirementSet {
	rng := rand.New(rand.NewPCG(10, uint64(number)))
	s := requirementSet{Number: number, Kind: oneOf(rng, setKinds), Target: randomTarget(rng)}
	switch s.Kind {
	case "small":
		s.Requirements = m.mix(rng, 1+rng.IntN(2), 3, 4)
	case "medium":
		s.Requirements = m.mix(rng, 3+rng.IntN(4), 3, 4)
	case "large":
		s.Requirements = m.mix(rng, 8+rng.IntN(13), 4, 8)
	case "mixed": // of all areas
		for range 4 {
			s.Requirements = append(s.Requirements, m.mix(rng, 1+rng.IntN(2), 3, 6)...)
		}
	case "extras":
		s.Requirements = m.mix(rng, 2+rng.IntN(4), 1, 6)
	case "old":
		s.Target.Python = pythons[rng.IntN(3)]
		s.Requirements = m.mix(rng, 1+rng.IntN(3), 4, 1)
	case "markers":
		s.Requirements = m.marked(rng)
	case "unknown or two":
		s.Kind = oneOf(rng, []string{"unknown", "pair"})
		if s.Kind == "pair" { // two particular ones at once
			s.Requirements = slices.Concat(oneOf(rng, m.particular["pre-release"]), oneOf(rng, m.particular["markers"]))
			break
		}
		fallthrough
	default:
		s.Requirements = slices.Clone(oneOf(rng, m.particular[s.Kind]))
		if rng.IntN(2) == 0 {
			s.Requirements = append(s.Requirements, m.mix(rng, 1+rng.IntN(3), 4, 6)...)
		}
	}
	slices.Sort(s.Requirements)
	s.Requirements = slices.Compact(s.Requirements)
	return s
}

// randomTarget is one of all Pythons and platforms, the frequent ones more often.
func randomTarget(rng *rand.Rand) pythonTarget {
	t := pythonTarget{Python: oneOf(rng, slices.Concat(pythons, []string{"3.11.13", "3.11.13", "3.12.11"})), Machine: "x86_64", Libc: pep425.Glibc, Major: 2, Minor: 28}
	if rng.IntN(3) == 0 {
		t.Machine = "aarch64"
	}
	if rng.IntN(6) == 0 {
		t.Libc, t.Major, t.Minor = pep425.Musl, 1, 2
	}
	return t
}

// mix are n requirements of one area: with extras one in some, with versions one in others.
func (m *setMaker) mix(rng *rand.Rand, n, extras, clauses int) []string {
	area := m.areaOf[oneOf(rng, m.areas)]
	var some []string
	for _, i := range rng.Perm(len(area))[:n] {
		choice := area[i]
		text := choice.name
		if rng.IntN(extras) == 0 && len(choice.extras) > 0 {
			text += oneOf(rng, choice.extras)
		}
		if rng.IntN(clauses) == 0 && len(choice.clauses) > 0 {
			text += oneOf(rng, choice.clauses)
		}
		some = append(some, text)
	}
	return some
}

// marked are requirements with markers: some that belong together, or those of an area with any.
func (m *setMaker) marked(rng *rand.Rand) []string {
	if rng.IntN(2) == 0 {
		return slices.Concat(oneOf(rng, m.particular["markers"]), m.mix(rng, 1, 3, 6))
	}
	some := m.mix(rng, 2+rng.IntN(4), 3, 4)
	for i := range some {
		if rng.IntN(3) > 0 {
			some[i] += "; " + oneOf(rng, setMarkers)
		}
	}
	return some
}

func oneOf[T any](rng *rand.Rand, all []T) T { return all[rng.IntN(len(all))] }
