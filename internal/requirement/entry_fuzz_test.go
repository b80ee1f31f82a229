package requirement_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// proposed is the text that a suggestion says to write, whatever is said about it.
var proposed = regexp.MustCompile(`^write "([^"\\]+)"(?: without -\S+)?(?:[, ].*)?$`)

// controller is PrimeHub's filter, as its source has it.
var controller = regexp.MustCompile(`^[a-zA-Z0-9-_:=\.]+$`)

// FuzzCheckEntries shows for any list that what is not refused reaches the installer whole, in order, and that what is proposed passes.
func FuzzCheckEntries(f *testing.F) {
	for _, seed := range []string{
		"-c conda-forge::numpy==1.17*", "-c pytorch -c fastai fastai", "numpy>=1.2,<2", "requests[security]", "g++", "curl=7.68.0-1ubuntu2", "x=5.4~rc1",
		"torch==1.8.0+cu111", "git+https://user:secret@host/x", "--extra-index-url https://a/b", "-c", "numpy[build=py37]", "a:b:c::d", "=", ":", "-", "名", "\x00", "numpy = 1",
	} {
		for installer := range 3 {
			f.Add(installer, seed, "vim")
		}
	}
	installers := []requirement.Installer{requirement.InstallerApt, requirement.InstallerConda, requirement.InstallerPip}
	f.Fuzz(func(t *testing.T, which int, first, second string) {
		installer := installers[uint(which)%3]
		tokens, refused := requirement.CheckEntries(installer, []string{first, second})
		if want := append(strings.Fields(first), strings.Fields(second)...); strings.Join(tokens, " ") != strings.Join(want, " ") {
			t.Errorf("%q became %q", want, tokens)
		}
		for _, r := range refused {
			checkError(t, r.Err, requirement.Field(installer))
			if strings.Contains(r.Err.Error(), "://user:secret@") {
				t.Errorf("the password shows: %v", r.Err)
			}
			if m := proposed.FindStringSubmatch(r.Err.Suggestion); m != nil && !strings.Contains(r.Err.Problem, "ASCII character") {
				if _, again := requirement.CheckEntries(installer, []string{m[1]}); len(again) > 0 {
					t.Errorf("%q is proposed for %q, and refused: %v", m[1], r.Err.Offending, again[0].Err)
				}
			}
		}
		if len(refused) > 0 {
			return
		}
		for _, token := range tokens {
			if !controller.MatchString(token) {
				t.Errorf("%q is taken, and the controller drops it", token)
			}
		}
	})
}

// FuzzParseCondaSpec shows that a specification's one spelling means the same as what was written.
func FuzzParseCondaSpec(f *testing.F) {
	for _, seed := range []string{"numpy", "conda-forge/linux-64::numpy=1.17=py37_0", "x >=1,<2|3.*", "x[version='>=1', build=b]", "a:b:c", "0 > 0 00", "numpy 1.8 py*", "x==1*", "::x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := requirement.ParseCondaSpec(text)
		if err != nil {
			checkError(t, err, requirement.FieldConda)
			return
		}
		again, err := requirement.ParseCondaSpec(spec.String())
		if err != nil || again.String() != spec.String() {
			t.Errorf("%q: %q, then %q, %v", text, spec, again, err)
		}
	})
}
