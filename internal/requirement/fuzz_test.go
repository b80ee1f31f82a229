package requirement_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// checkHarmless fails for text that a shell, a Dockerfile, a requirements file or a command line could take for anything but one word.
// What of shell syntax PEP 440 itself needs ("<", ">", "!", "*", "~") is allowed in specifiers only.
func checkHarmless(t *testing.T, text, allowed string) {
	t.Helper()
	for _, r := range text {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if r > unicode.MaxASCII || !plain && !strings.ContainsRune(allowed, r) {
			t.Errorf("%q holds %q", text, r)
		}
	}
	if strings.HasPrefix(text, "-") || strings.Contains(text, "://") {
		t.Errorf("%q is an option or a URL", text)
	}
}

// checkError fails for a refusal that is no good: without a field, or with words that would break out of their line.
func checkError(t *testing.T, err error, fields ...requirement.Field) {
	t.Helper()
	refused, ok := errors.AsType[*requirement.Error](err)
	if !ok {
		t.Fatalf("%T is not an Error", err)
	}
	if message := err.Error(); strings.ContainsFunc(message, unicode.IsControl) || len(message) > 2000 {
		t.Errorf("message %q", message)
	}
	if !slices.Contains(fields, refused.Field) {
		t.Errorf("%v is about no field of its own", err)
	}
}

// quoted are the texts that a suggestion says to write.
func quoted(suggestion string) (text string, ok bool) {
	text, ok = strings.CutPrefix(suggestion, `write "`)
	if !ok || !strings.HasSuffix(text, `"`) {
		return "", false
	}
	text = strings.TrimSuffix(text, `"`)
	return text, !strings.ContainsAny(text, `"\`)
}

func FuzzParsePip(f *testing.F) {
	for _, seed := range [][2]string{
		{"numpy", ""},
		{"NumPy", "1.26.4"},
		{"uvicorn[standard,b_B]", ">=0.30, <1"},
		{"Zope.._Interface", "~=5.0.0"},
		{"a", "==1.2.*,!=1.2.3"},
		{"x", "===1.0-1"},
		{"x", "==1!2.0+ubuntu-01"},
		{"x", "v1.0-PREVIEW.3"},
		{"x", "<2,>=1.0,>=1"},
		{"x", "!=1.5.*,~=1.4"},
		{"x", "=1.0"},
		{"x", "=>1"},
		{"x", "^1.2"},
		{"x", "~1.2"},
		{"x", "~>1"},
		{"x", "1.2.*"},
		{"x", "1.2.x"},
		{"x", "latest"},
		{"x", ">=1 <2"},
		{"x", "(=1.0 <2)"},
		{"x", `>=1; python_version<"3"`},
		{"x", "1.0 --hash=sha256:00"},
		{"x", "$(id)"},
		{"x", "1\n2"},
		{"x", "≥1"},
		{"x", "==18446744073709551615.*"},
		{"x", "~=1"},
		{"x", ">1.*"},
		{"x", "^0.0.0"},
		{"x", ","},
		{"x", "1,2"},
		{"x", "==1.0.post1.dev0"},
		{"scikit learn", ""},
		{"numpy==1.2", ""},
		{"git+https://u:p@h/x", ""},
		{"-e .", ""},
		{"a[b", ""},
		{"nuмpy", ""},
		{"\u212a", ""},
		{"x.whl", ""},
		{"x @ https://u:p@h/", ""},
		{"`id`", ""},
		{"numpy;x", ""},
		{"_a_", ""},
		{"", ""},
		{" ", " "},
		{"\xff", "\xff"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, specifier string) {
		pip, err := requirement.ParsePip(name, specifier)
		canonical := requirement.Pip{Name: name, VersionSpecifier: specifier}.Canonical()
		if canonical.Canonical() != canonical {
			t.Errorf("Canonical is not a fixed point: %+v, %+v", canonical, canonical.Canonical())
		}
		if err != nil {
			checkError(t, err, requirement.FieldName, requirement.FieldVersionSpecifier)
			checkSuggestion(t, err)
			return
		}
		checkHarmless(t, pip.Name, "-[],")
		checkHarmless(t, pip.VersionSpecifier, "=<>!~.*+_-,")
		if canonical != pip {
			t.Errorf("parsed to %+v, canonical is %+v", pip, canonical)
		}
		if again, err := requirement.ParsePip(pip.Name, pip.VersionSpecifier); err != nil || again != pip {
			t.Errorf("%+v parses to %+v, %v", pip, again, err)
		}
		if name != strings.TrimSpace(name) || strings.ContainsAny(name, " \t\r\n") {
			t.Errorf("name %q was accepted", name)
		}
		_ = requirement.CheckPips([]requirement.Pip{pip}) // It must not panic.
	})
}

// checkSuggestion fails for a suggestion to write what is refused again.
func checkSuggestion(t *testing.T, err error) {
	t.Helper()
	refused, _ := errors.AsType[*requirement.Error](err)
	text, ok := quoted(refused.Suggestion)
	if !ok || strings.HasSuffix(refused.Problem, "is not an ASCII character") {
		return // Characters are repaired first, the rest when they are.
	}
	var again error
	switch refused.Field {
	case requirement.FieldName:
		_, again = requirement.ParsePip(text, "")
	default:
		_, again = requirement.ParsePip("x", text)
	}
	if again != nil {
		t.Errorf("%v: the suggestion is refused: %v", err, again)
	}
}

func FuzzParsePackage(f *testing.F) {
	for _, seed := range [][2]string{
		{"vim", ""},
		{"g++", "2:9.0-1"},
		{"libc6:i386", "=1.6.7"},
		{"R", "0:1.2"},
		{"ImageMagick-c++", "1.0~rc1^git-1.el8"},
		{"python3.11", "1.2.*"},
		{"vim=9", ">=1.2"},
		{"Vim", "latest"},
		{"-y", "-1"},
		{"vim-", "1.2-"},
		{"@dev", "^1"},
		{"a b", "1 2"},
		{"$(id)", "$(id)"},
		{"a/b", "a:b:c"},
		{"vim\n", "1\n"},
		{"vіm", "１"},
		{"", ""},
		{" ", "="},
		{"\xff", "\xff"},
		{"a;b", "1;2"},
		{"vim>=9,<10", "==1"},
		{"00", "00:00"},
	} {
		f.Add(seed[0], seed[1], true)
		f.Add(seed[0], seed[1], false)
	}
	f.Fuzz(func(t *testing.T, name, version string, debian bool) {
		packageType := rpm
		if debian {
			packageType = apt
		}
		p, err := requirement.ParsePackage(name, version, packageType)
		canonical := requirement.Package{Name: name, VersionSpecifier: version, Type: packageType}.Canonical()
		if canonical.Canonical() != canonical {
			t.Errorf("Canonical is not a fixed point: %+v, %+v", canonical, canonical.Canonical())
		}
		if err != nil {
			checkError(t, err, requirement.FieldName, requirement.FieldVersionSpecifier)
			return
		}
		checkHarmless(t, p.Name, "+-._:")
		checkHarmless(t, p.VersionSpecifier, "+-._:~^")
		checkHarmless(t, p.String(), "+-._:~^=")
		if canonical != p {
			t.Errorf("parsed to %+v, canonical is %+v", p, canonical)
		}
		if again, err := requirement.ParsePackage(p.Name, p.VersionSpecifier, p.Type); err != nil || again != p {
			t.Errorf("%+v parses to %+v, %v", p, again, err)
		}
		if strings.HasSuffix(p.Name, "-") {
			t.Errorf("apt-get would remove %q", p.Name)
		}
	})
}
