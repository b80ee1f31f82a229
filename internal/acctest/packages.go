package acctest

import (
	"bytes"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

// Packages are the distributions of [PackageIndex]. Each is there for what a test wants to happen.
func Packages() []pypi.Package {
	return []pypi.Package{
		pypi.Simple("tiny-model", "1.0", "1.1", "2.0"),
		pypi.Simple("other-lib", "0.9", "1.0"),
		{Name: "needs-other", Releases: []pypi.Release{{Version: "1.0", Requires: []string{"other-lib>=1.0"}}}},
		{Name: "needs-old-other", Releases: []pypi.Release{{Version: "1.0", Requires: []string{"other-lib<1.0"}}}},
		{Name: "big-wheel", Releases: []pypi.Release{{Version: "1.0", PayloadBytes: 5 << 20}}},
		Source("slow-build", pypi.Source{Sleep: time.Hour}),
		Source("brief-build", pypi.Source{Sleep: 4 * time.Second}),
		Source("stubborn-build", pypi.Source{Sleep: time.Hour, IgnoreSIGTERM: true}),
		Source("broken-build", pypi.Source{Failure: "the C compiler is missing"}),
		Source("endless-line", pypi.Source{Output: bytes.Repeat([]byte("x"), 10<<20), Failure: "after ten megabytes"}),
		Source("many-lines", pypi.Source{Output: []byte("the same line, again and again\n"), OutputRepeat: 100_000, Failure: "after a hundred thousand lines"}),
		Source("binary-noise", pypi.Source{Output: []byte("\x00\x1b[31m\xff\xfe\x07noise\r\n"), OutputRepeat: 1000, Failure: "after the noise"}),
	}
}

// Source is a distribution that is built when it is installed.
func Source(name string, habits pypi.Source) pypi.Package {
	return pypi.Package{Name: name, Releases: []pypi.Release{{Version: "1.0", Source: &habits}}}
}
