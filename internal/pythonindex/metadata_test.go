package pythonindex_test

import (
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

// TestParseMetadata_once keeps a requirement once that several versions have.
func TestParseMetadata_once(t *testing.T) {
	t.Parallel()
	var known pythonindex.Requirements
	var extras []*string
	for _, version := range []string{"1", "2"} {
		m, err := pythonindex.ParseMetadataWith("Name: a\nVersion: "+version+"\nRequires-Dist: b[c]>=1\n", &known)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Requires[0].String(); got != "b[c]>=1" {
			t.Errorf("got %s", got)
		}
		extras = append(extras, &m.Requires[0].Extras[0])
	}
	if extras[0] != extras[1] {
		t.Error("the requirement is there twice")
	}
}
