package pep508_test

import (
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// FuzzParse has requirements say the same when they are written and read.
func FuzzParse(f *testing.F) {
	f.Add(`A_b[c,D.e]>=1,<2 ; python_version < "3.11" and (os_name=='nt' or extra == "x")`)
	f.Add(`a @ https://h.test/a.zip#sha256=00 ; sys_platform != "win32"`)
	f.Add(`a (>=1)`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := pep508.Parse(text)
		if err != nil {
			return
		}
		again, err := pep508.Parse(r.String())
		if err != nil || again.String() != r.String() || r.Name != pep508.NormalizeName(r.Name) {
			t.Errorf("%q is %q, and that %q (%v)", text, r, again, err)
		}
	})
}

// FuzzParseMarker has markers hold where they do when they are written and read, and what is judged without knowing it all stay so.
func FuzzParseMarker(f *testing.F) {
	f.Add(`python_version in "3.9 3.10" or "linux" in sys_platform`, "3.11", "linux")
	f.Add(`(python_full_version >= '3.8.0rc1' and implementation_name == "cpython")`, "3.8", "darwin")
	f.Fuzz(func(t *testing.T, text, python, platform string) {
		m, err := pep508.ParseMarker(text)
		if err != nil {
			return
		}
		again, err := pep508.ParseMarker(m.String())
		if err != nil || again.String() != m.String() {
			t.Fatalf("%q is %q, and that %q (%v)", text, m, again, err)
		}
		environment := pep508.Environment{
			"python_version": python, "python_full_version": python + ".1", "sys_platform": platform, "os_name": "posix", "platform_machine": "x86_64",
			"platform_python_implementation": "CPython", "platform_release": "6", "platform_system": "Linux", "platform_version": "1",
			"implementation_name": "cpython", "implementation_version": python + ".1",
		}
		holds, err := m.Holds(environment)
		if holdsAgain, errAgain := again.Holds(environment); holds != holdsAgain || (err == nil) != (errAgain == nil) {
			t.Errorf("%q and %q do not agree", text, m)
		}
		if err != nil {
			return
		}
		part := pep508.Environment{"python_version": python, "sys_platform": platform}
		if v := m.Judge(part); v == pep508.True && !holds || v == pep508.False && holds {
			t.Errorf("%q is judged %v by its Python and platform, and holds: %t", text, v, holds)
		}
	})
}
