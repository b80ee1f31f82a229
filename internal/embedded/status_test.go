package embedded

import (
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	live := &leaseTerms{Holder: "a/1", Expires: now.Add(time.Second)}
	over := &leaseTerms{Holder: "a/1", Expires: now}
	died := &leaseTerms{Holder: "a/1", Expires: now.Add(time.Hour), died: true}
	image := &published{leftover: leftover{Tag: "t", Digest: "sha256:d"}, Base: base{Reference: "python:3.12", Digest: "sha256:b"}}
	asBuilt := sighting{tagDigest: "sha256:d", base: base{Reference: "python:3.12", Digest: "sha256:b"}}
	failed := &failure{Step: "push", Message: "no"}

	for name, test := range map[string]struct {
		rec    record
		seen   sighting
		status imageregistry.Status
		reason string
	}{
		"requested": {record{Build: build{Status: "requested"}, Lease: live}, sighting{}, "building_first_time", "its first build is under way on a/1"},
		"running":   {record{Build: build{Status: "running"}, Lease: live}, sighting{}, "building_first_time", "its first build is under way on a/1"},
		// A state of a newer version counts as one that goes on.
		"polishing": {record{Build: build{Status: "polishing"}, Lease: live}, sighting{}, "building_first_time", "its first build is under way on a/1"},
		"rebuilding": {
			record{Build: build{Status: "running"}, Lease: live, Image: image}, sighting{}, "rebuilding", "a new build is under way on a/1",
		},
		"abandoned": {
			record{Build: build{Status: "running"}, Lease: over},
			sighting{},
			"failed",
			"its build was abandoned: the process a/1 that ran it was last heard of before 2026-01-02T03:04:05Z",
		},
		"abandoned on this machine": {
			record{Build: build{Status: "running"}, Lease: died}, sighting{}, "failed", "its build was abandoned: the process a/1 that ran it died",
		},
		"abandoned, its lease released": {
			record{Build: build{Status: "running"}}, sighting{}, "failed", "its build was abandoned: the process that ran it has ended",
		},
		"abandoned update":     {record{Build: build{Status: "requested"}, Lease: over, Image: image}, asBuilt, "failed", "its build was abandoned: the process a/1 that ran it was last heard of before 2026-01-02T03:04:05Z"},
		"failed":               {record{Build: build{Status: "failed", Failure: failed}}, sighting{}, "failed", `its last build failed in the step "push": no`},
		"failed without words": {record{Build: build{Status: "failed"}}, sighting{}, "failed", "its last build failed"},
		"failed update":        {record{Build: build{Status: "failed", Failure: failed}, Image: image}, asBuilt, "failed", `its last build failed in the step "push": no`},
		"cancelled":            {record{Build: build{Status: "cancelled", Failure: failed}}, sighting{}, "failed", "its last build was cancelled"},
		"nothing published":    {record{Build: build{Status: "succeeded"}}, sighting{}, "failed", "nothing has been published"},
		"ready":                {record{Build: build{Status: "succeeded"}, Image: image}, asBuilt, "ready", ""},
		"ready, being deleted": {record{Build: build{Status: "succeeded"}, Image: image, Lease: live}, asBuilt, "ready", ""},
		"base not to be told": {
			record{Build: build{Status: "succeeded"}, Image: image}, sighting{tagDigest: "sha256:d", base: base{Reference: "python:3.12"}}, "ready", "",
		},
		"base moved": {
			record{Build: build{Status: "succeeded"}, Image: image},
			sighting{tagDigest: "sha256:d", base: base{Reference: "python:3.12", Digest: "sha256:n"}},
			"outdated", "the base image python:3.12 is now sha256:n",
		},
		"another base": {
			record{Build: build{Status: "succeeded"}, Image: image},
			sighting{tagDigest: "sha256:d", base: base{Reference: "debian:13", Digest: "sha256:n"}},
			"outdated", "the base image is now debian:13 instead of python:3.12",
		},
		"the same base by another name": {
			record{Build: build{Status: "succeeded"}, Image: image}, sighting{tagDigest: "sha256:d", base: base{Reference: "mirror/python:3.12", Digest: "sha256:b"}}, "ready", "",
		},
		"tag gone": {record{Build: build{Status: "succeeded"}, Image: image}, sighting{}, "missing", "the tag t is gone from the registry"},
		"all gone": {
			record{Build: build{Status: "succeeded"}, Image: image}, sighting{manifestGone: true}, "missing", "the tag t and its manifest are gone from the registry",
		},
		"moved": {
			record{Build: build{Status: "succeeded"}, Image: image},
			sighting{tagDigest: "sha256:x", manifestGone: true},
			"moved", "the tag t refers to sha256:x instead of sha256:d, which was built",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if status, reason := status(&test.rec, test.seen, now); status != test.status || reason != test.reason {
				t.Errorf("%q (%q), want %q (%q)", status, reason, test.status, test.reason)
			}
		})
	}
}

// TestStatus_mirror has a builder whose mirror is behind the base's registry: there is nothing newer to build on, so the next plan must be empty.
func TestStatus_mirror(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		old := w.push(t, basePython)
		p := w.process(t, "a/1")
		p.builder.mirror = old
		expect := func(got imageregistry.Image, status imageregistry.Status, base string) {
			t.Helper()
			if got.Status != status || got.BaseImage.Digest != base {
				t.Errorf("it is %q (%s), on %s; want %q, on %s", got.Status, got.StatusReason, got.BaseImage.Digest, status, base)
			}
		}
		expect(p.mustCreate(t, specOf("model-a", "numpy")), imageregistry.StatusReady, old)
		var last string
		for range 2 {
			last = w.push(t, basePython)
			expect(p.mustGet(t, "model-a"), imageregistry.StatusOutdated, old)
			image, b, err := p.Rebuild(t.Context(), "model-a", imageregistry.Lock{})
			expect(p.mustBuild(t, image, b, err), imageregistry.StatusReady, old)
			expect(w.process(t, "b/2").mustGet(t, "model-a"), imageregistry.StatusReady, old)
		}
		p.builder.mirror = last // it has caught up
		image, b, err := p.Rebuild(t.Context(), "model-a", imageregistry.Lock{})
		expect(p.mustBuild(t, image, b, err), imageregistry.StatusReady, last)
		w.push(t, basePython)
		expect(p.mustGet(t, "model-a"), imageregistry.StatusOutdated, last)
	})
}
