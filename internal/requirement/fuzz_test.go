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
	for _, seed := range []string{
		"numpy",
		"NumPy==1.26.4",
		"uvicorn[standard,b_B]>=0.30, <1",
		"Zope.._Interface~=5.0.0",
		"a==1.2.*,!=1.2.3",
		"x===1.0-1",
		"x==1!2.0+ubuntu-01",
		"x==v1.0-PREVIEW.3",
		"x<2,>=1.0,>=1",
		"x!=1.5.*,~=1.4",
		"x=1.0",
		"x=>1",
		"x^1.2",
		"x~1.2",
		"x~>1",
		"x==1.2.*",
		"x==1.2.x",
		"x==latest",
		"x>=1 <2",
		"x==(=1.0 <2)",
		`x>=1; python_version<"3`,
		"x==1.0 --hash=sha256:00",
		"x==$(id)",
		"x==1\n2",
		"x==≥1",
		"x==18446744073709551615.*",
		"x~=1",
		"x>1.*",
		"x^0.0.0",
		"x==,",
		"x==1,2",
		"x==1.0.post1.dev0",
		"scikit learn",
		"numpy==1.2",
		"git+https://u:p@h/x",
		"-e .",
		"a[b",
		"nuмpy",
		"\u212a",
		"x.whl",
		"x @ https://u:p@h/",
		"`id`",
		"numpy;x",
		"_a_",
		"",
		"  ",
		"\xff==\xff",
		`numpy==1.26.4 ; python_version < "3.13" --hash=sha256:aaaa`,
		"pkg==1.0 other==2",
		`"numpy"`,
		".",
		".[dev]",
		"-e git+https://g.test/x#egg=x",
		"--pre",
		"numpy==1.0;",
		"x (>=1",
		"x;a==1 or (b)",
		"pkg @ file:///x",
		"scikit learn",
		"a,b",
		"numpy #x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pip, err := requirement.ParsePip(text)
		if err != nil {
			checkErrors(t, err, requirement.FieldPip)
			checkSuggestion(t, err)
			return
		}
		checkHarmless(t, pip.Name, "-[],")
		checkHarmless(t, pip.VersionSpecifier, "=<>!~.*+_-,")
		if pip.Canonical() != pip {
			t.Errorf("parsed to %+v, canonical is %+v", pip, pip.Canonical())
		}
		if again, err := requirement.ParsePip(pip.String()); err != nil || again != pip {
			t.Errorf("%+v parses to %+v, %v", pip, again, err)
		}
		_, _ = requirement.JoinPips([]requirement.Pip{pip}) // It must not panic.
	})
}

// checkErrors is checkError for each of joined errors.
func checkErrors(t *testing.T, err error, fields ...requirement.Field) {
	t.Helper()
	for _, fault := range err.(interface{ Unwrap() []error }).Unwrap() {
		checkError(t, fault, fields...)
	}
}

// checkSuggestion fails for a suggestion to write what is refused again, where nothing else is wrong.
func checkSuggestion(t *testing.T, err error) {
	t.Helper()
	faults := err.(interface{ Unwrap() []error }).Unwrap()
	refused, _ := errors.AsType[*requirement.Error](faults[0])
	text, ok := quoted(refused.Suggestion)
	if !ok || len(faults) > 1 || strings.HasSuffix(refused.Problem, "is not an ASCII character") {
		return // Characters are repaired first, the rest when they are.
	}
	if _, again := requirement.ParsePip(text); again != nil {
		t.Errorf("%v: the suggestion is refused: %v", err, again)
	}
}

// FuzzPipCanonical: a server may send anything, and its canonical form is one.
func FuzzPipCanonical(f *testing.F) {
	for _, seed := range [][2]string{{"NumPy", "1.0"}, {" a ", " >=1"}, {"x", "<2,>=1.0,"}, {"x", "===1.0-a"}, {"a[b", "oops"}, {"\xff", "\xff"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, specifier string) {
		pip := requirement.Pip{Name: name, VersionSpecifier: specifier}
		canonical := pip.Canonical()
		if canonical.Canonical() != canonical {
			t.Errorf("Canonical is not a fixed point: %+v, %+v", canonical, canonical.Canonical())
		}
		if joined := requirement.CanonicalPips([]requirement.Pip{pip, pip}); len(joined) != 1 || joined[0] != canonical {
			t.Errorf("%+v twice is %+v", canonical, joined)
		}
	})
}

func FuzzParsePackage(f *testing.F) {
	for _, seed := range []string{
		"vim",
		"g++=2:9.0-1",
		"libc6:i386=1.6.7",
		"R=0:1.2",
		"ImageMagick-c++=1.0~rc1^git-1.el8",
		"python3.11=1.2.*",
		"vim=9=>=1.2",
		"Vim=latest",
		"-y=-1",
		"vim-=1.2-",
		"@dev=^1",
		"a b=1 2",
		"$(id)=$(id)",
		"a/b=a:b:c",
		"vim\n=1\n",
		"vіm=１",
		"",
		" =",
		"\xff=\xff",
		"a;b=1;2",
		"vim>=9,<10==1",
		"00=00:00",
		"vim>=1",
		"vim 9",
		"vim-2:8.0-1",
		"perl(Foo)",
		"lamp^",
		"vim/sid",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, debian bool) {
		packageType := rpm
		if debian {
			packageType = apt
		}
		p, err := requirement.ParsePackage(text, packageType)
		if err != nil {
			checkError(t, err, requirement.Field(packageType))
			return
		}
		checkHarmless(t, p.Name, "+-._:")
		checkHarmless(t, p.VersionSpecifier, "+-._:~^")
		checkHarmless(t, p.String(), "+-._:~^=")
		checkHarmless(t, p.Argument(), "+-._:~^=")
		if p.Canonical() != p {
			t.Errorf("parsed to %+v, canonical is %+v", p, p.Canonical())
		}
		if again, err := requirement.ParsePackage(p.String(), p.Type); err != nil || again != p {
			t.Errorf("%+v parses to %+v, %v", p, again, err)
		}
		if strings.HasSuffix(p.Name, "-") {
			t.Errorf("apt-get would remove %q", p.Name)
		}
	})
}
