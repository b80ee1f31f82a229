package pep440_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
)

// TestSpecifier_Stretch finds the same versions as [pep440.Specifier.Allows] does one by one.
func TestSpecifier_Stretch(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	number := func() string {
		return pick("", "1!") + fmt.Sprintf("%d.%d", random.IntN(3), random.IntN(3)) + pick("", ".0", ".1") + pick("", "", "a1", "rc2", ".dev3", ".post1", ".post1.dev2")
	}
	var versions []pep440.Version
	for range 300 {
		versions = append(versions, pep440.MustParse(number()+pick("", "", "+cpu", "+1")))
	}
	slices.SortFunc(versions, func(a, b pep440.Version) int { return b.Compare(a) })
	at := func(i int) pep440.Version { return versions[i] }
	for range 5000 {
		var clauses []string
		for range random.IntN(4) {
			clauses = append(clauses, pick("<", "<=", ">", ">=", "==", "!=", "~=", "===")+number())
		}
		specifier, err := pep440.ParseSpecifier(strings.Join(clauses, ","))
		if err != nil {
			t.Fatal(err)
		}
		first, after, whole := specifier.Stretch(len(versions), at)
		for i, version := range versions {
			inside := first <= i && i < after
			if allows := specifier.Allows(version); allows && !inside || whole && allows != inside {
				t.Errorf("%s: %s, [%d, %d) %t, %t", specifier, version, first, after, whole, allows)
			}
		}
	}
}
