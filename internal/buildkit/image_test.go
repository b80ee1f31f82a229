package buildkit

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

func digestOf(raw []byte) string { return digest.FromBytes(raw).String() }

const debianReport = `%% python
3.11
%% pip
[{"name": "numpy", "version": "2.1.0"}, {"name": "Mixed_Case", "version": "1.0+local"}]

%% os-release
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
ID=debian
VERSION_ID="12"
%% deb
installed	libc6	2.36-9+deb12u10	amd64
config-files	gone	1.0	amd64
installed	vim	2:9.0.1378-2	amd64
`

const rpmReport = `%% python
3.9
%% pip
[]
%% os-release
ID="rocky"
%% rpm
bash	(none)	5.1.8-9.el9	x86_64
gpg-pubkey	(none)	350d275d-6279464b	(none)
vim-minimal	2	8.2.2637-20.el9	x86_64
`

func TestParseReport(t *testing.T) {
	t.Parallel()
	allow := cmp.AllowUnexported(report{}, component{})
	for text, want := range map[string]*report{
		debianReport: {
			python: "3.11", osID: "debian", osFamily: "deb",
			pip: []component{{name: "numpy", version: "2.1.0"}, {name: "Mixed_Case", version: "1.0+local"}},
			system: []component{
				{name: "libc6", version: "2.36-9+deb12u10", arch: "amd64"}, {name: "vim", version: "2:9.0.1378-2", arch: "amd64"},
			},
		},
		rpmReport: {
			python: "3.9", osID: "rocky", osFamily: "rpm", pip: []component{},
			system: []component{
				{name: "bash", version: "5.1.8-9.el9", arch: "x86_64"}, {name: "vim-minimal", epoch: "2", version: "8.2.2637-20.el9", arch: "x86_64"},
			},
		},
		"%% python\n3.12\n%% pip\n[]\n": {python: "3.12", pip: []component{}},
	} {
		got, err := parseReport([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, allow); diff != "" {
			t.Error(diff)
		}
	}
	for _, broken := range []string{"", "%% python\n3.12\n", "%% pip\n[]\n", "%% python\n3.12\n%% pip\nTraceback\n"} {
		if _, err := parseReport([]byte(broken)); err == nil {
			t.Errorf("%q is no error", broken)
		}
	}
}

func TestReport_libraries(t *testing.T) {
	t.Parallel()
	r, err := parseReport([]byte(debianReport))
	if err != nil {
		t.Fatal(err)
	}
	want := []imageregistry.PipLibrary{{Name: "numpy", Version: "2.1.0"}, {Name: "Mixed_Case", Version: "1.0+local"}}
	if diff := cmp.Diff(want, r.libraries()); diff != "" {
		t.Error(diff)
	}
}

func TestNewSBOM(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		debianReport: {
			"pkg:pypi/numpy@2.1.0", "pkg:pypi/mixed-case@1.0%2Blocal",
			"pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64", "pkg:deb/debian/vim@2:9.0.1378-2?arch=amd64",
		},
		rpmReport: {"pkg:rpm/rocky/bash@5.1.8-9.el9?arch=x86_64", "pkg:rpm/rocky/vim-minimal@8.2.2637-20.el9?arch=x86_64&epoch=2"},
	} {
		r, err := parseReport([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := newSBOM(testRequest(t), r, "1.2.3")
		if err != nil {
			t.Fatal(err)
		}
		var doc spdxDocument
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		var purls []string
		ids := map[string]bool{spdxDocumentID: true}
		for _, p := range doc.Packages {
			if ids[p.SPDXID] || !regexp.MustCompile(`^SPDXRef-[A-Za-z0-9.-]+$`).MatchString(p.SPDXID) {
				t.Errorf("the id %q is there twice or not valid", p.SPDXID)
			}
			ids[p.SPDXID] = true
			for _, ref := range p.ExternalRefs {
				purls = append(purls, ref.Locator)
			}
		}
		if diff := cmp.Diff(want, purls); diff != "" {
			t.Error(diff)
		}
		if len(doc.Relationships) != len(doc.Packages) {
			t.Errorf("%d relationships of %d packages", len(doc.Relationships), len(doc.Packages))
		}
		for _, r := range doc.Relationships {
			if !ids[r.Element] || !ids[r.Related] {
				t.Errorf("%+v relates what is not there", r)
			}
		}
		if doc.SPDXVersion != "SPDX-2.3" || doc.Name != "registry.example.com/ml/image:tag" || doc.CreationInfo.Creators[0] != "Tool: terraform-provider-rime-1.2.3" {
			t.Errorf("got %+v", doc)
		}
	}
}

const baseConfig = `{
	"architecture": "arm64", "os": "linux", "variant": "v8", "created": "2024-01-02T03:04:05Z", "moby.extra": {"kept": [1, 2]},
	"config": {
		"User": "app", "Env": ["PATH=/opt/bin", "A=b=c"], "Cmd": ["python3"], "Healthcheck": {"Test": ["NONE"]},
		"Labels": {"vendor": "kept", "org.opencontainers.image.version": "of the base", "overridden": "no"}
	},
	"rootfs": {"type": "layers", "diff_ids": ["` + testDigest + `"]},
	"history": [{"created": "2024-01-02T03:04:05Z", "created_by": "base layer"}, {"created_by": "ENV", "empty_layer": true}]
}`

func TestImageConfig_derive(t *testing.T) {
	t.Parallel()
	base, err := parseImageConfig([]byte(baseConfig))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"PATH=/opt/bin", "A=b=c"}, base.env()[1:]); diff != "" || !strings.HasPrefix(base.env()[0], "PATH=") {
		t.Error(diff)
	}
	req := testRequest(t)
	req.Labels = map[string]string{"overridden": "yes", "org.opencontainers.image.title": "mine"}
	raw, err := base.derive(req, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"architecture": "arm64", "os": "linux", "variant": "v8", "moby.extra": map[string]any{"kept": []any{1.0, 2.0}},
		"config": map[string]any{
			"User": "app", "Env": []any{"PATH=/opt/bin", "A=b=c"}, "Cmd": []any{"python3"}, "Healthcheck": map[string]any{"Test": []any{"NONE"}},
			"Labels": map[string]any{
				"vendor": "kept", "overridden": "yes", "org.opencontainers.image.title": "mine",
				"org.opencontainers.image.base.name":   "registry.example.com/python:3.11-slim",
				"org.opencontainers.image.base.digest": testDigest,
				LabelPrefix + "version":                "1.2.3",
			},
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []any{testDigest}},
		"history": []any{
			map[string]any{"created": "2024-01-02T03:04:05Z", "created_by": "base layer"},
			map[string]any{"created_by": "ENV", "empty_layer": true},
			map[string]any{"created_by": "install system packages: g++ jq=1.6-2.1", "comment": product},
			map[string]any{"created_by": "install system packages: vim-8.0", "comment": product},
			map[string]any{"created_by": "install pip requirements: numpy pandas>=2,<3", "comment": product},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var image ocispecs.Image
	if err := json.Unmarshal(raw, &image); err != nil || image.Created != nil {
		t.Errorf("created %v, %v: the exporter would not take the time of the layers", image.Created, err)
	}
}

func TestImageConfig_odd(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `{"config": null}`, `{"config": {}, "history": null}`} {
		base, err := parseImageConfig([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, err := base.derive(testRequest(t), ""); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{``, `<html>`, `{"config": "x"}`, `[]`} {
		if _, err := parseImageConfig([]byte(text)); err == nil {
			t.Errorf("%s is no error", text)
		}
	}
}
