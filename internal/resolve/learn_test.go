package resolve_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// deep is an index in which pip finds no end: app 2 leads to something that cannot be had by way of lib, which pip
// tries anew with each choice of what else there is. (This is what a sagemaker does that needs omegaconf, without
// wheels of what that needs.)
func deep() index {
	x := index{"app 1": nil, "app 2": {"a", "b", "c", "lib"}, "dead 1": {"gone>=1"}, "dead 2": {"gone>=2"}, "gone 1": {":sdist"}, "gone 2": {":sdist"}}
	for i := range 20 {
		for _, name := range []string{"a", "b", "c", "first"} {
			x[fmt.Sprintf("%s %d", name, i)] = nil
		}
		x[fmt.Sprintf("lib %d", i)] = []string{"dead"}
	}
	return x
}

func TestResolve_deep(t *testing.T) {
	t.Parallel()
	request := resolve.Request{Requirements: requirements("first", "app"), Target: target(), WheelsOnly: true}
	pins, err := resolve.ResolveWithin(t.Context(), deep(), request, 3000)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range pins {
		got = append(got, p.Name+" "+p.Version.String())
	}
	if want := "app 1, first 19"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

// TestResolve_tooDeep has no answer, and app 1 as well leads to what cannot be had.
func TestResolve_tooDeep(t *testing.T) {
	t.Parallel()
	x := deep()
	x["app 1"] = []string{"dead"}
	request := resolve.Request{Requirements: requirements("first", "app"), Target: target(), WheelsOnly: true}
	_, err := resolve.ResolveWithin(t.Context(), x, request, 3000)
	want := `No version of gone can be installed with Python 3.11.7 on Linux, x86_64 with glibc 2.36:`
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestResolve_ahead gets the metadata of the versions that come next ready, and not that of all there are.
func TestResolve_ahead(t *testing.T) {
	t.Parallel()
	x := index{"b 1": nil}
	for i := range 200 {
		x[fmt.Sprintf("a 2.%d", i)] = []string{"b>=2"}
	}
	for i := range 200 {
		x[fmt.Sprintf("a 1.%d", i)] = []string{"b"}
	}
	source := &counting{Source: x}
	pins, err := resolve.Resolve(t.Context(), source, resolve.Request{Requirements: requirements("a"), Target: target()})
	if err != nil || len(pins) != 2 || pins[0].Version.String() != "1.199" {
		t.Fatalf("%v, %v", pins, err)
	}
	if n := source.asked.Load(); n < 201 || n > 500 { // each twice where the search is faster than the lookout
		t.Errorf("%d times asked for metadata", n)
	}
}

// counting counts how often metadata is asked for.
type counting struct {
	resolve.Source

	asked atomic.Int64
}

func (c *counting) Metadata(ctx context.Context, file *pythonindex.File) (*pythonindex.Metadata, error) {
	c.asked.Add(1)
	return c.Source.Metadata(ctx, file)
}
