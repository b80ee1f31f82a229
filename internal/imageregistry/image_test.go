package imageregistry_test

import (
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	tests := map[imageregistry.Status]struct{ building, usable, broken bool }{
		imageregistry.StatusBuildingFirstTime: {building: true},
		imageregistry.StatusRebuilding:        {building: true},
		imageregistry.StatusReady:             {usable: true},
		imageregistry.StatusOutdated:          {usable: true},
		imageregistry.StatusFailed:            {broken: true},
		imageregistry.StatusMissing:           {broken: true},
		imageregistry.StatusMoved:             {broken: true},
		// A status this code does not know is none of the three: nothing is concluded from it.
		"verifying": {},
		"":          {},
	}
	for status, want := range tests {
		if status.Building() != want.building || status.Usable() != want.usable || status.Broken() != want.broken {
			t.Errorf("%q: building %v, usable %v, broken %v, want %+v", status, status.Building(), status.Usable(), status.Broken(), want)
		}
	}
}

func TestBuildStatus_Ended(t *testing.T) {
	t.Parallel()
	tests := map[imageregistry.BuildStatus]bool{
		imageregistry.BuildRequested: false,
		imageregistry.BuildPending:   false,
		imageregistry.BuildRunning:   false,
		imageregistry.BuildSucceeded: true,
		imageregistry.BuildFailed:    true,
		imageregistry.BuildCancelled: true,
		"reconciling":                false,
		"":                           false,
	}
	for status, want := range tests {
		if got := status.Ended(); got != want {
			t.Errorf("%q: ended %v, want %v", status, got, want)
		}
	}
}

func TestImage_URI(t *testing.T) {
	t.Parallel()
	tests := map[string]imageregistry.Image{
		"":                                    {Tag: "3.11-0123456789ab", Digest: "sha256:aa"},
		"registry.example/ml/churn@sha256:aa": {RepoURI: "registry.example/ml/churn", Tag: "3.11-0123456789ab", Digest: "sha256:aa"},
		"registry.example/ml/churn:2.6.0":     {RepoURI: "registry.example/ml/churn", Tag: "2.6.0"},
	}
	for want, image := range tests {
		if got := image.URI(); got != want {
			t.Errorf("%+v: URI %q, want %q", image, got, want)
		}
	}
	if got := (imageregistry.Image{RepoURI: "registry.example/ml/churn"}).URI(); got != "" {
		t.Errorf("URI of an image without tag and digest: %q", got)
	}
}

func TestImage_Spec(t *testing.T) {
	t.Parallel()
	image := imageregistry.Image{
		Name: "churn", PythonVersion: "3.11", Status: imageregistry.StatusReady,
		PipRequirements:     []requirement.Pip{{Name: "numpy", VersionSpecifier: "==1.26.4"}},
		PackageRequirements: []requirement.Package{{Name: "git", Type: requirement.PackageTypeApt}},
	}
	spec := imageregistry.Spec{
		Name: "churn", PythonVersion: "3.11",
		PipRequirements:     []requirement.Pip{{Name: "NumPy", VersionSpecifier: "1.26.4"}},
		PackageRequirements: []requirement.Package{{Name: "git", Type: requirement.PackageTypeApt}},
	}
	if got := image.Spec(); got.Name != spec.Name || !imageregistry.SameInputs(got, spec) {
		t.Errorf("spec %+v, want %+v", got, spec)
	}
}
