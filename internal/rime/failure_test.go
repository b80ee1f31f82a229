package rime

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

func TestDiagnose(t *testing.T) {
	t.Parallel()
	began := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	took := func(d time.Duration) imageregistry.Build {
		return imageregistry.Build{Status: imageregistry.BuildFailed, CreatedAt: began, StartedAt: began.Add(time.Minute), CompletedAt: began.Add(d)}
	}
	failed := took(5 * time.Minute)
	cancelled := failed
	cancelled.Status = imageregistry.BuildCancelled
	queued := took(90 * time.Minute)
	queued.StartedAt = began.Add(30 * time.Minute)
	for name, test := range map[string]struct {
		build        imageregistry.Build
		reason, text string
		want         imageregistry.BuildFailure
	}{
		"nothing is told": {failed, "unspecified", "", imageregistry.BuildFailure{}},
		"cancelled":       {cancelled, "unspecified", "", imageregistry.BuildFailure{Class: imageregistry.FailureCancelled}},
		"a reason alone: memory": {
			failed, "oomkilled", "",
			imageregistry.BuildFailure{Class: imageregistry.FailureOutOfMemory, Message: "the platform gives no other reason than OOMKILLED"},
		},
		"a reason alone: generic": {
			failed, "generic_error", "",
			imageregistry.BuildFailure{Class: imageregistry.FailureUserInput, Message: "the platform gives no other reason than GENERIC_ERROR"},
		},
		"a reason alone: internal": {
			failed, "internal_error", "",
			imageregistry.BuildFailure{Class: imageregistry.FailurePlatform, Message: "the platform gives no other reason than INTERNAL_ERROR"},
		},
		"a reason that nobody knows": {
			failed, "evicted", "",
			imageregistry.BuildFailure{Message: "the platform gives no other reason than EVICTED"},
		},
		"both are shown": {
			failed, "generic_error", "exit status 1",
			imageregistry.BuildFailure{Class: imageregistry.FailureUserInput, Message: "exit status 1"},
		},
		"a text that says nothing": {failed, "unspecified", "exit status 1", imageregistry.BuildFailure{Message: "exit status 1"}},
		"pip: no such package": {
			failed, "generic_error", "ERROR: No matching distribution found for nosuch==1.0",
			imageregistry.BuildFailure{
				Class: imageregistry.FailureUserInput, Requirement: "nosuch", RequirementKind: "pip",
				Message: "ERROR: No matching distribution found for nosuch==1.0",
			},
		},
		"pip: no such version, several lines": {
			failed, "unspecified",
			"Collecting xgboost\nERROR: Could not find a version that satisfies the requirement xgboost==99 (from versions: 1.0)\n",
			imageregistry.BuildFailure{
				Class: imageregistry.FailureUserInput, Requirement: "xgboost", RequirementKind: "pip",
				Message: "Collecting xgboost ERROR: Could not find a version that satisfies the requirement xgboost==99 (from versions: 1.0)",
				LogTail: []string{"Collecting xgboost", "ERROR: Could not find a version that satisfies the requirement xgboost==99 (from versions: 1.0)"},
			},
		},
		"pip: conflict": {
			failed, "unspecified", "ResolutionImpossible: for help visit …",
			imageregistry.BuildFailure{Class: imageregistry.FailureUserInput, Message: "ResolutionImpossible: for help visit …"},
		},
		"dnf: no such package": {
			failed, "unspecified", "Error: Unable to find a match: libfoo-devel",
			imageregistry.BuildFailure{
				Class: imageregistry.FailureUserInput, Requirement: "libfoo-devel", RequirementKind: "package", Message: "Error: Unable to find a match: libfoo-devel",
			},
		},
		"yum: no such package": {
			failed, "unspecified", "No package libfoo available.",
			imageregistry.BuildFailure{Class: imageregistry.FailureUserInput, Requirement: "libfoo", RequirementKind: "package", Message: "No package libfoo available."},
		},
		"apt: no such package": {
			failed, "unspecified", "E: Unable to locate package libfoo",
			imageregistry.BuildFailure{Class: imageregistry.FailureUserInput, Requirement: "libfoo", RequirementKind: "package", Message: "E: Unable to locate package libfoo"},
		},
		"memory, by its text": {
			failed, "unspecified", "container builder: OOMKilled",
			imageregistry.BuildFailure{Class: imageregistry.FailureOutOfMemory, Message: "container builder: OOMKilled"},
		},
		"disk": {
			failed, "unspecified", "write /x: no space left on device",
			imageregistry.BuildFailure{Class: imageregistry.FailureOutOfDisk, Message: "write /x: no space left on device"},
		},
		"source image": {
			failed, "unspecified", "Back-off pulling image: ImagePullBackOff",
			imageregistry.BuildFailure{Class: imageregistry.FailureBaseImage, Message: "Back-off pulling image: ImagePullBackOff"},
		},
		"trust": {
			failed, "generic_error", "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
			imageregistry.BuildFailure{Class: imageregistry.FailurePlatform, Message: "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		},
		"deadline, by its text": {
			failed, "generic_error", "Job was active longer than specified deadline",
			imageregistry.BuildFailure{Class: imageregistry.FailureDeadline, Message: "Job was active longer than specified deadline"},
		},
		"deadline, since it was created": {took(time.Hour + 3*time.Second), "unspecified", "", imageregistry.BuildFailure{Class: imageregistry.FailureDeadline}},
		"deadline, since it started":     {queued, "unspecified", "", imageregistry.BuildFailure{Class: imageregistry.FailureDeadline}},
		"deadline, by its running time": {
			imageregistry.Build{Status: imageregistry.BuildFailed, CreatedAt: began, StartedAt: began.Add(2 * time.Minute), RunningTime: 58 * time.Minute},
			"generic_error", "",
			imageregistry.BuildFailure{Class: imageregistry.FailureDeadline, Message: "the platform gives no other reason than GENERIC_ERROR"},
		},
		"it never ran": {
			imageregistry.Build{Status: imageregistry.BuildFailed, CreatedAt: began, CompletedAt: began.Add(time.Minute)},
			"generic_error", "",
			imageregistry.BuildFailure{Class: imageregistry.FailurePlatform, Message: "the platform gives no other reason than GENERIC_ERROR"},
		},
		"all times are unknown": {imageregistry.Build{Status: imageregistry.BuildFailed}, "unspecified", "", imageregistry.BuildFailure{}},
		"the text knows better than the clock": {
			took(time.Hour), "unspecified", "ERROR: No matching distribution found for nosuch",
			imageregistry.BuildFailure{
				Class: imageregistry.FailureUserInput, Requirement: "nosuch", RequirementKind: "pip", Message: "ERROR: No matching distribution found for nosuch",
			},
		},
		"not quite an hour": {took(59 * time.Minute), "unspecified", "", imageregistry.BuildFailure{}},
		"longer than that":  {took(67 * time.Minute), "unspecified", "", imageregistry.BuildFailure{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := diagnose(test.build, test.reason, test.text)
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeBuild_failed(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"JOB_STATUS_FAILED", "JOB_STATUS_CANCELLED"} {
		got := decodeBuild(parsed(t, `{"jobId":"x","status":"`+status+`","terminationReason":"TERMINATION_REASON_OOMKILLED","errorMsg":"killed &amp; gone"}`), time.Now())
		if got.Failure == nil || got.Failure.Message != "killed & gone" || got.Hint == "" && status == "JOB_STATUS_FAILED" {
			t.Errorf("%s: %+v", status, got)
		}
	}
	if got := decodeBuild(parsed(t, `{"jobId":"x","status":"JOB_STATUS_SUCCEEDED","terminationReason":"TERMINATION_REASON_COMPLETED"}`), time.Now()); got.Failure != nil {
		t.Errorf("a build that succeeded has a failure: %+v", got.Failure)
	}
}

func TestStuck(t *testing.T) {
	t.Parallel()
	created := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		status imageregistry.BuildStatus
		age    time.Duration
		want   string
	}{
		"requested just now":  {imageregistry.BuildRequested, 4 * time.Minute, ""},
		"requested long ago":  {imageregistry.BuildRequested, 12*time.Minute + 40*time.Second, "was requested 12m ago"},
		"pending just now":    {imageregistry.BuildPending, time.Minute, ""},
		"pending long ago":    {imageregistry.BuildPending, 65 * time.Minute, "was created 1h5m ago and has not begun"},
		"running long ago":    {imageregistry.BuildRunning, 50 * time.Minute, ""},
		"unknown status":      {"reconciling", 50 * time.Minute, ""},
		"a clock that is off": {imageregistry.BuildPending, -time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := stuck(imageregistry.Build{Status: test.status, CreatedAt: created}, created.Add(test.age))
			if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	if got := stuck(imageregistry.Build{Status: imageregistry.BuildPending}, created); got != "" {
		t.Errorf("a build of unknown age: %q", got)
	}
}
