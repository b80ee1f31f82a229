package embedded

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// fullRecord has something in every field.
func fullRecord() *record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	spec := specOf("model-a", "numpy==1.0")
	spec.PackageRequirements = []requirement.Package{{Name: "libgomp1", VersionSpecifier: "12", Type: requirement.PackageTypeApt}}
	return &record{
		Schema: 1, Name: "model-a", Request: requestOf(spec), Workspace: "here", CreatedAt: at, UpdatedAt: at, WrittenBy: "1.2.3",
		Build: build{
			ID: "model-a/x", Status: imageregistry.BuildFailed, CreatedAt: at, StartedAt: at.Add(time.Second), CompletedAt: at.Add(time.Minute), Tag: "3.12-b",
			Failure: &failure{Class: imageregistry.FailureUserInput, Step: "s", Requirement: "r", RequirementKind: "pip", Message: "m", LogTail: []string{"a", "b"}},
		},
		Image: &published{
			leftover: leftover{Tag: "3.12-a", Digest: "sha256:a", Children: []string{"sha256:b"}}, Base: base{Reference: "python:3.12", Digest: "sha256:c"},
			PythonVersion: "3.12", PipLibraries: []pipLibrary{{Name: "numpy", Version: "1.0"}}, Size: 7, InputHash: "h", PublishedAt: at,
		},
		Older: []leftover{{Tag: "3.12-o", Digest: "sha256:o"}},
		Lease: &leaseTerms{ID: "model-a/x", Holder: "a/1", Expires: at},
	}
}

var recordFields = cmp.Options{cmp.AllowUnexported(record{}, published{}), cmpopts.IgnoreFields(record{}, "unknown"), cmpopts.IgnoreFields(leaseTerms{}, "died")}

func TestRecord_roundTrip(t *testing.T) {
	t.Parallel()
	for name, rec := range map[string]*record{"full": fullRecord(), "empty": {Schema: 1, Name: "model-a"}} {
		text, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		var got record
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rec, &got, recordFields); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if len(got.unknown) != 0 {
			t.Errorf("%s: fields of our own count as unknown: %v", name, got.unknown)
		}
	}
	if spec := fullRecord().spec(); spec.Hash() != fullRecord().Request.InputHash || spec.PackageRequirements[0].Type != requirement.PackageTypeApt {
		t.Errorf("the spec comes back as %+v", spec)
	}
}

func TestRecord_newerFieldsAreKept(t *testing.T) {
	t.Parallel()
	var rec record
	text := `{"schema":1,"name":"model-a","lease":{"id":"x","holder":"h","expires":"2026-01-02T03:04:05Z"},"signature":{"by":"someone"},"build":{"id":"x","status":"polishing"}}`
	if err := json.Unmarshal([]byte(text), &rec); err != nil {
		t.Fatal(err)
	}
	rec.Lease, rec.Name = nil, "model-b"
	written, err := json.Marshal(&rec)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(written, &got); err != nil {
		t.Fatal(err)
	}
	if string(got["signature"]) != `{"by":"someone"}` || string(got["name"]) != `"model-b"` || got["lease"] != nil || !strings.Contains(string(got["build"]), "polishing") {
		t.Errorf("written: %s", written)
	}
}

func TestRecord_unreadable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"schema":2,"written_by":"9.0.0"}`: "the record was written by a newer version (schema 2, provider 9.0.0); upgrade the provider",
		`{}`:                                "the record has no schema version",
		`null`:                              "the record has no schema version",
		`{"schema":1,"name":7}`:             "cannot unmarshal number",
		`[]`:                                "cannot unmarshal array",
		`{"schema":1`:                       "unexpected end of JSON input",
	} {
		var rec record
		err := json.Unmarshal([]byte(text), &rec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestReadRecord_notOurs puts things under the record's tag that are no record this version can work with. None counts as missing.
func TestReadRecord_notOurs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.process(t, "a/1")
		repo, err := p.repository("model-a")
		if err != nil {
			t.Fatal(err)
		}
		put := func(artifactType string, content any) {
			t.Helper()
			a, err := newArtifact(artifactType, content)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.store.put(t.Context(), repo.Tag(recordTag), a); err != nil {
				t.Fatal(err)
			}
		}
		expect := func(want string) {
			t.Helper()
			_, getErr := p.Get(t.Context(), "model-a")
			_, _, createErr := p.Create(t.Context(), specOf("model-a"))
			_, _, updateErr := p.Update(t.Context(), specOf("model-a"))
			for _, err := range []error{getErr, createErr, updateErr, p.Delete(t.Context(), "model-a")} {
				var unreadable *RecordError
				if !errors.As(err, &unreadable) || errors.Is(err, imageregistry.ErrNotFound) || !strings.Contains(err.Error(), want) {
					t.Errorf("want %q, got %v", want, err)
				}
			}
		}
		w.push(t, repo.Name()+":"+recordTag)
		expect("holds something else")
		put(typeClaim, map[string]int{"schema": 1})
		expect("holds something else")
		put(typeRecord, map[string]any{"schema": 2, "written_by": "9.0.0"})
		expect("upgrade the provider")
		put(typeRecord, nil)
		expect("cannot be read")
		put(typeRecord, map[string]any{"schema": 1, "name": strings.Repeat("x", maxContent)})
		expect("more than any this provider writes")
		if w.builds.Load() != 0 {
			t.Error("something was built")
		}
	})
}

func TestWriteRecord_tooLarge(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		p := newWorld(t).process(t, "a/1")
		repo, err := p.repository("model-a")
		if err != nil {
			t.Fatal(err)
		}
		rec := fullRecord()
		rec.Workspace = strings.Repeat("x", maxContent)
		var tooLarge *RecordError
		if err := p.store.writeRecord(t.Context(), repo, rec, ""); !errors.As(err, &tooLarge) {
			t.Errorf("writeRecord returns %v", err)
		}
	})
}

func TestRecorded_bounded(t *testing.T) {
	t.Parallel()
	f := imageregistry.BuildFailure{Message: "one\ntwo \x00\xff" + strings.Repeat("é", 2000)}
	for range 1000 {
		f.LogTail = append(f.LogTail, strings.Repeat("é", 10_000))
	}
	got := recorded(f)
	if len(got.LogTail) != maxLogLines || len([]rune(got.LogTail[0])) != maxLogLine+1 || !strings.HasPrefix(got.Message, "one two") || strings.ContainsRune(got.Message, 0) {
		t.Errorf("%d lines of %d characters, message %q", len(got.LogTail), len([]rune(got.LogTail[0])), got.Message)
	}
	if len(f.LogTail) != 1000 {
		t.Error("the original was changed")
	}
}

func TestRecord_attempts(t *testing.T) {
	t.Parallel()
	rec := &record{}
	attempt := func(tag string) { rec.Build.Tag = tag; rec.noteAttempt() }
	attempt("")
	attempt("t1")
	attempt("t1")
	if diff := cmp.Diff([]leftover{{Tag: "t1"}}, rec.Older); diff != "" {
		t.Error(diff)
	}
	rec.publish(published{leftover: leftover{Tag: "t1", Digest: "d1"}})
	if len(rec.Older) != 0 || rec.Image.Digest != "d1" {
		t.Errorf("after the attempt's success: %+v", rec.Older)
	}
	attempt("t1") // the current image's own
	attempt("t2")
	rec.publish(published{leftover: leftover{Tag: "t3", Digest: "d3"}})
	rec.publish(published{leftover: leftover{Tag: "t3", Digest: "d4"}}) // a moved tag, put back
	rec.publish(published{leftover: leftover{Tag: "t3", Digest: "d4"}})
	want := []leftover{{Tag: "t2"}, {Tag: "t1", Digest: "d1"}, {Tag: "t3", Digest: "d3"}}
	if diff := cmp.Diff(want, rec.Older); diff != "" {
		t.Error(diff)
	}
}
