package primehub_test

import (
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

func TestBuild_succeeds(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	created := p.create(custom("churn", "jupyter/base-notebook", object{"apt": []any{"curl"}}))
	if d := diff(object{"isReady": false, "jobStatus": nil, "url": nil, "type": "both", "imageSpec": object{
		"baseImage": "jupyter/base-notebook", "pullSecret": nil, "cancel": false, "updateTime": "2024-03-01T12:00:00.000Z",
		"packages": object{"apt": []any{"curl"}, "pip": []any{}, "conda": []any{}},
	}}, created); d != "" {
		t.Errorf("the answer (-want +got)\n%s", d)
	}
	const target = "registry.sandbox.invalid/primehub/churn:96ff7925"
	passed := 0.0
	for _, step := range []struct {
		at   float64
		want string
	}{
		{0, "null false <nil>"},
		{0.2, `"" false <nil>`},
		{0.4, `"Pending" false <nil>`},
		{30, `"Pending" false <nil>`},
		{42, `"Running" false <nil>`}, // the pod runs after 30 s, and is looked at after 10 s and 40 s
		{305, `"Running" false <nil>`},
		{311, `"Succeeded" true ` + target},
	} {
		p.clock.pass(step.at - passed)
		passed = step.at
		if got := p.state("churn"); got != step.want {
			t.Errorf("after %v s: %s, want %s", step.at, got, step.want)
		}
	}
	if d := diff(object{
		"url": target, "urlForGpu": target, "useImagePullSecret": "primehub-controller-custom-image-push-secret",
		"jobStatus": object{"phase": "Succeeded", "image": target}, "imageSpec": object{
			"baseImage": "jupyter/base-notebook", "pullSecret": nil, "cancel": nil, "updateTime": "2024-03-01T12:00:00Z",
			"packages": object{"apt": []any{"curl"}, "pip": []any{}, "conda": []any{}},
		},
	}, p.image("churn")); d != "" {
		t.Errorf("in the end (-want +got)\n%s", d)
	}
}
