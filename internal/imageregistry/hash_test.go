package imageregistry_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// The bytes that are hashed are written out here, so that nobody changes the scheme without noticing: every image of every user would be
// built anew.
func TestSpecHash_scheme(t *testing.T) {
	t.Parallel()
	spec := imageregistry.Spec{
		Name:          "churn",
		PythonVersion: "3.11",
		PipRequirements: []requirement.Pip{
			{Name: "Uvicorn[Standard]", VersionSpecifier: "<1, >=0.30.0"}, {Name: "numpy"},
		},
		PackageRequirements: []requirement.Package{
			{Name: "libgomp1", VersionSpecifier: "=12.2.0-14", Type: requirement.PackageTypeApt},
		},
	}
	sum := sha256.Sum256([]byte("28:rime managed image inputs v1,4:3.11," +
		"3:pip,1:2,5:numpy,0:,17:uvicorn[standard],9:>=0.30,<1," +
		"8:packages,1:1,3:apt,8:libgomp1,9:12.2.0-14,"))
	if got, want := spec.Hash(), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(imageregistry.Spec{}.Hash()) {
		t.Errorf("hash of the zero spec is %q", imageregistry.Spec{}.Hash())
	}
}

// Texts must not be able to flow from one field or element into the next.
func TestSpecHash_isUnambiguous(t *testing.T) {
	t.Parallel()
	pips := func(pairs ...string) imageregistry.Spec {
		var spec imageregistry.Spec
		for i := 0; i < len(pairs); i += 2 {
			spec.PipRequirements = append(spec.PipRequirements, requirement.Pip{Name: pairs[i], VersionSpecifier: pairs[i+1]})
		}
		return spec
	}
	// What a server sends need not parse; it is hashed as it came.
	specs := []imageregistry.Spec{
		{},
		{PythonVersion: "3.11"},
		{PythonVersion: "3.1"},
		pips("a b", ""), pips("a", "b"), pips("a", "", "b", ""), pips("a,1:b", ""), pips("a", ",1:b"), pips("a", "\x80"), pips("a", "\x81"), pips("a", "�"),
		pips("pip", "1"), pips("packages", "1:0"),
		{PackageRequirements: []requirement.Package{{Name: "ab", Type: requirement.PackageTypeApt}}},
		{PackageRequirements: []requirement.Package{{Name: "ab", Type: requirement.PackageTypeRockyLinux}}},
		{PackageRequirements: []requirement.Package{{Name: "ab"}}},
	}
	for i, a := range specs {
		for j, b := range specs {
			if same := imageregistry.SameInputs(a, b); same != (i == j) || same != (a.Hash() == b.Hash()) {
				t.Errorf("%d and %d: SameInputs %v, equal hashes %v", i, j, same, a.Hash() == b.Hash())
			}
		}
	}
}

func TestSpecHash_property(t *testing.T) {
	t.Parallel()
	const cases, shares = 2_000, 4
	for share := range uint64(shares) {
		t.Run(fmt.Sprint("share ", share), func(t *testing.T) {
			t.Parallel()
			for n := share; n < cases; n += shares {
				checkCase(t, n)
			}
		})
	}
}

// checkCase makes up a spec from that seed, spells it twice and changes it once.
func checkCase(t *testing.T, seed uint64) {
	t.Helper()
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7))}
	meaning := g.meaning()
	spec, same := g.spell(meaning), g.spell(meaning)
	changedMeaning, what := g.change(meaning)
	changed := g.spell(changedMeaning)
	for _, r := range spec.PipRequirements {
		// Otherwise the property would hold for text that is not a requirement, and show nothing.
		if _, err := requirement.ParsePip(r.String()); err != nil {
			t.Fatalf("case %d: %v", seed, err)
		}
	}
	hash := spec.Hash()
	if same.Hash() != hash {
		t.Fatalf("case %d: the same asked in two ways has two hashes:\n%+v\n%+v", seed, spec, same)
	}
	if changed.Hash() == hash {
		t.Fatalf("case %d: %s does not change the hash:\n%+v\n%+v", seed, what, spec, changed)
	}
	if seed%10 == 0 && (!imageregistry.SameInputs(spec, same) || imageregistry.SameInputs(spec, changed)) {
		t.Fatalf("case %d: SameInputs does not tell what the hashes tell:\n%+v\n%+v\n%+v", seed, spec, same, changed)
	}
}

// meaning is what a spec asks for, free of how it is spelled.
type meaning struct {
	python   string
	pips     []pipMeaning
	packages []packageMeaning
}

type pipMeaning struct {
	words   []string
	extras  []string
	clauses []clauseMeaning
}

type clauseMeaning struct {
	operator string
	release  []int
	// suffix is a key of suffixes.
	suffix string
	// prefix is for "==1.*".
	prefix bool
}

type packageMeaning struct {
	name, version string
	t             requirement.PackageType
}

// suffixes are the spellings of what can follow a release.
var suffixes = map[string][]string{
	"":       {""},
	"a1":     {"a1", "alpha1", ".a1", "-A.1", "_alpha_1"},
	"rc2":    {"rc2", "c2", "-pre2", ".Preview2"},
	".post3": {".post3", "-3", "post3", ".r3", "-rev3"},
	".dev0":  {".dev0", "dev", "-DEV0", ".dev"},
}

// generator makes up specs.
type generator struct{ *rand.Rand }

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

func (g *generator) meaning() meaning {
	m := meaning{python: pick(g, []string{"", "3.9", "3.10", "3.11"})}
	for i := range g.IntN(6) {
		m.pips = append(m.pips, g.pip(i))
	}
	for i := range g.IntN(4) {
		m.packages = append(m.packages, g.pkg(i))
	}
	return m
}

// pip makes up a requirement; the number makes its name unlike others.
func (g *generator) pip(number int) pipMeaning {
	p := pipMeaning{words: []string{pick(g, []string{"torch", "ml", "x", "py3"}), fmt.Sprint("w", number)}}
	for _, extra := range []string{"all", "s3", "cpu-only"} {
		if g.IntN(4) == 0 {
			p.extras = append(p.extras, extra)
		}
	}
	operators := []string{"==", "!=", ">=", ">", "<=", "<", "~="}
	g.Shuffle(len(operators), func(i, j int) { operators[i], operators[j] = operators[j], operators[i] })
	for _, operator := range operators[:g.IntN(4)] {
		p.clauses = append(p.clauses, g.clause(operator))
	}
	return p
}

func (g *generator) clause(operator string) clauseMeaning {
	c := clauseMeaning{operator: operator, release: []int{g.IntN(3)}}
	for range g.IntN(3) {
		c.release = append(c.release, g.IntN(12))
	}
	switch {
	case operator == "~=":
		c.release = append(c.release, g.IntN(2))
	case (operator == "==" || operator == "!=") && g.IntN(3) == 0:
		c.prefix = true
		return c
	}
	c.suffix = pick(g, []string{"", "", "", "a1", "rc2", ".post3", ".dev0"})
	return c
}

func (g *generator) pkg(number int) packageMeaning {
	return packageMeaning{
		name:    fmt.Sprint("lib", pick(g, []string{"gomp", "ssl", "c++"}), number),
		version: pick(g, []string{"", "1.2.3", "2:9.0-1", "1.0~rc1-2"}),
		t:       pick(g, requirement.PackageTypes()),
	}
}

// spell writes a meaning down in one of the ways there are: order, repetitions, case, separators, blanks, zeros, names of suffixes.
func (g *generator) spell(m meaning) imageregistry.Spec {
	spec := imageregistry.Spec{Name: fmt.Sprint("image-", g.IntN(1000)), PythonVersion: m.python}
	for _, p := range m.pips {
		for range 1 + g.IntN(2) {
			spec.PipRequirements = append(spec.PipRequirements,
				requirement.Pip{Name: g.spellName(p), VersionSpecifier: g.spellSpecifier(p.clauses)})
		}
	}
	for _, p := range m.packages {
		for range 1 + g.IntN(2) {
			version := p.version
			if version != "" && !strings.Contains(version, ":") && g.IntN(2) == 0 {
				version = "0:" + version
			}
			if version != "" && g.IntN(2) == 0 {
				version = "=" + version
			}
			spec.PackageRequirements = append(spec.PackageRequirements, requirement.Package{Name: p.name, VersionSpecifier: version, Type: p.t})
		}
	}
	shuffle(g, spec.PipRequirements)
	shuffle(g, spec.PackageRequirements)
	return spec
}

func shuffle[T any](g *generator, s []T) {
	g.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

func (g *generator) spellName(p pipMeaning) string {
	name := g.recase(strings.Join(p.words, pick(g, []string{"-", "_", ".", "--", "-_."})))
	if len(p.extras) == 0 {
		return name + pick(g, []string{"", "", "[]"})
	}
	extras := slices.Clone(p.extras)
	if g.IntN(3) == 0 {
		extras = append(extras, extras[0])
	}
	shuffle(g, extras)
	for i, extra := range extras {
		extras[i] = g.recase(strings.ReplaceAll(extra, "-", pick(g, []string{"-", "_", "."})))
	}
	return name + "[" + strings.Join(extras, ",") + "]"
}

func (g *generator) spellSpecifier(clauses []clauseMeaning) string {
	blank := func() string { return strings.Repeat(" ", g.IntN(3)) }
	var texts []string
	for _, c := range clauses {
		for range 1 + g.IntN(2) {
			operator := c.operator + blank()
			texts = append(texts, blank()+operator+g.spellVersion(c)+blank())
		}
	}
	shuffle(g, texts)
	if bare := len(texts) == 1 && clauses[0].operator == "==" && !clauses[0].prefix; bare && g.IntN(2) == 0 {
		return g.spellVersion(clauses[0])
	}
	return strings.Join(texts, ",")
}

func (g *generator) spellVersion(c clauseMeaning) string {
	release := slices.Clone(c.release)
	if c.operator != "~=" && !c.prefix {
		for range g.IntN(3) {
			release = append(release, 0)
		}
	}
	texts := make([]string, len(release))
	for i, number := range release {
		texts[i] = strings.Repeat("0", g.IntN(2)) + fmt.Sprint(number)
	}
	version := pick(g, []string{"", "", "v", "V"}) + strings.Join(texts, ".") + pick(g, suffixes[c.suffix])
	if c.prefix {
		version += ".*"
	}
	return version
}

func (g *generator) recase(text string) string {
	return strings.Map(func(r rune) rune {
		if g.IntN(2) == 0 {
			return []rune(strings.ToUpper(string(r)))[0]
		}
		return r
	}, text)
}

// change makes one real change, and says which.
func (g *generator) change(m meaning) (changed meaning, what string) {
	m.pips, m.packages = slices.Clone(m.pips), slices.Clone(m.packages)
	kinds := []string{"python", "add pip", "add package"}
	if len(m.pips) > 0 {
		kinds = append(kinds, "remove pip", "rename pip", "extra", "specifier", "release")
	}
	if len(m.packages) > 0 {
		kinds = append(kinds, "remove package", "package version", "package type")
	}
	what = pick(g, kinds)
	switch what {
	case "python":
		m.python += "1"
	case "add pip":
		m.pips = append(m.pips, g.pip(99))
	case "add package":
		m.packages = append(m.packages, g.pkg(99))
	case "remove pip":
		m.pips = m.pips[1:]
	case "remove package":
		m.packages = m.packages[1:]
	case "package version":
		m.packages[0].version += "9"
	case "package type":
		m.packages[0].t = map[requirement.PackageType]requirement.PackageType{
			requirement.PackageTypeApt: requirement.PackageTypeRockyLinux, requirement.PackageTypeRockyLinux: requirement.PackageTypeApt,
		}[m.packages[0].t]
	default:
		m.pips[0] = g.changePip(m.pips[0], what)
	}
	return m, what
}

// changePip makes one real change to a requirement.
func (g *generator) changePip(p pipMeaning, what string) pipMeaning {
	switch what {
	case "rename pip":
		p.words = append(slices.Clone(p.words), "x")
	case "extra":
		p.extras = append(slices.Clone(p.extras), "new")
	case "specifier":
		p.clauses = append(slices.Clone(p.clauses), clauseMeaning{operator: "!=", release: []int{77}})
	case "release":
		if len(p.clauses) == 0 {
			return g.changePip(p, "specifier")
		}
		p.clauses = slices.Clone(p.clauses)
		p.clauses[0].release = slices.Clone(p.clauses[0].release)
		p.clauses[0].release[g.IntN(len(p.clauses[0].release))] += 20
	}
	return p
}
