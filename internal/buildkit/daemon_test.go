package buildkit

import (
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
)

func TestBuild_basic(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0", "2.0"))
	result, err := b.builder().Build(t.Context(), b.request("tiny<2"))
	t.Log(b.log())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", result)
}
