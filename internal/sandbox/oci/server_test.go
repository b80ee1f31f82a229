package oci_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

func TestMain(m *testing.M) { workbenchtest.Main(m) }

func reference(t *testing.T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(text, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// push pushes a random index of two images of two layers.
func push(t *testing.T, ref name.Reference) v1.Hash {
	t.Helper()
	index, err := random.Index(1<<16, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// pull reads every byte and checks every digest.
func pull(ctx context.Context, ref name.Reference) error {
	index, err := remote.Index(ref, remote.WithContext(ctx))
	if err != nil {
		return err
	}
	return validate.Index(index)
}

func TestServer_survivesARestart(t *testing.T) {
	t.Parallel()
	options := oci.Options{DataDir: t.TempDir()}
	server, err := oci.StartAt("127.0.0.2:0", options) // no other test takes its port meanwhile
	if err != nil {
		t.Fatal(err)
	}
	kept, removed := reference(t, server.Host+"/team/app/model:v1"), reference(t, server.Host+"/team/app:old")
	want := push(t, kept)
	push(t, removed)
	if err := remote.Delete(removed, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pull(t.Context(), kept); err == nil {
		t.Fatal("a closed registry answers")
	}
	// A process that is killed in the midst of an upload leaves a part of a file.
	if err := os.WriteFile(filepath.Join(options.DataDir, "repositories/team/app/model/_tags/.upload-1"), []byte("sha25"), 0o600); err != nil {
		t.Fatal(err)
	}

	server, err = oci.StartAt(server.Host, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if err := pull(t.Context(), kept); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if got, err := remote.Head(kept, remote.WithContext(t.Context())); err != nil || got.Digest != want {
		t.Errorf("after a restart the tag is %v, %v; want %s", got, err, want)
	}
	if _, err := remote.Head(removed, remote.WithContext(t.Context())); err == nil {
		t.Error("a removed tag came back")
	}
	registry, err := name.NewRegistry(server.Host, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	repositories, err := remote.Catalog(t.Context(), registry)
	if err != nil || strings.Join(repositories, " ") != "team/app team/app/model" {
		t.Errorf("catalog: %q, %v", repositories, err)
	}
	tags, err := remote.List(kept.Context(), remote.WithContext(t.Context()))
	if err != nil || strings.Join(tags, " ") != "v1" {
		t.Errorf("tags: %q, %v", tags, err)
	}
	for repository, want := range map[string]int{"team/app/model": 3, "team/app": 3, "team": 0} { // an index of two; a tag that goes takes none along
		if digests, err := server.Manifests(repository); err != nil || len(digests) != want {
			t.Errorf("%s has the manifests %q, %v; want %d", repository, digests, err, want)
		}
	}
}

// Clients that ask for referrers have to see that there is no such list, and go on with the tag that stands in for it.
func TestServer_referrersFallBack(t *testing.T) {
	t.Parallel()
	ref := reference(t, start(t, oci.Options{}).Host+"/app:v1")
	subject := push(t, ref)
	index, err := remote.Referrers(ref.Context().Digest(subject.String()), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if manifest, err := index.IndexManifest(); err != nil || len(manifest.Manifests) != 0 {
		t.Errorf("referrers: %+v, %v", manifest, err)
	}
}

func TestServer_skopeoAgrees(t *testing.T) {
	t.Parallel()
	skopeo := workbenchtest.Skopeo(t)
	ours, theirs := start(t, oci.Options{}).Host, workbenchtest.DockerRegistry(t)
	want := push(t, reference(t, theirs+"/app:v1"))
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), skopeo, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("skopeo %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	// There and back again through a client that shares no code with either registry.
	run("copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false", "docker://"+theirs+"/app:v1", "docker://"+ours+"/app:v1")
	run("copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false", "docker://"+ours+"/app:v1", "docker://"+theirs+"/copy:v1")
	if err := pull(t.Context(), reference(t, theirs+"/copy@"+want.String())); err != nil {
		t.Error(err)
	}
	if out := run("list-tags", "--tls-verify=false", "docker://"+ours+"/app"); !strings.Contains(out, `"v1"`) {
		t.Errorf("tags: %s", out)
	}
	run("delete", "--tls-verify=false", "docker://"+ours+"/app:v1")
	if _, err := remote.Head(reference(t, ours+"/app:v1"), remote.WithContext(t.Context())); err == nil {
		t.Error("skopeo deleted it, and it is still there")
	}
}

func TestServer_faults(t *testing.T) {
	t.Parallel()
	server := start(t, oci.Options{})
	ref := reference(t, server.Host+"/app:v1")
	push(t, ref)
	once := remote.WithRetryBackoff(remote.Backoff{Steps: 1}) // no second attempts that would hide the first

	for name, rule := range map[string]fault.Rule{
		"status":   {Path: "/manifests/", Status: http.StatusForbidden},
		"truncate": {Path: "/manifests/", Truncate: 10},
		"reset":    {Path: "/manifests/", Reset: true},
	} {
		if err := server.SetFaults(rule); err != nil {
			t.Fatal(err)
		}
		if _, err := remote.Get(ref, remote.WithContext(t.Context()), once); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := server.SetFaults(fault.Rule{Method: http.MethodPut, Path: "/manifests/v2$", DropAnswer: true}); err != nil {
		t.Fatal(err)
	}
	image, err := random.Image(10, 1)
	if err != nil {
		t.Fatal(err)
	}
	second := reference(t, server.Host+"/app:v2")
	server.Forget()
	if err := remote.Write(second, image, remote.WithContext(t.Context()), once); err == nil {
		t.Error("drop_answer: no error")
	}
	if n := server.Count(http.MethodPut, "/manifests/v2$"); n == 0 {
		t.Errorf("the push was not recorded: %+v", server.Requests())
	}
	if _, err := remote.Head(second, remote.WithContext(t.Context())); err != nil {
		t.Errorf("the answer was dropped, and so was the work: %v", err)
	}
}

func TestServer_closeRemovesATemporaryDirectory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	server, err := oci.Start(oci.Options{})
	if err != nil {
		t.Fatal(err)
	}
	push(t, reference(t, server.Host+"/app:v1"))
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
