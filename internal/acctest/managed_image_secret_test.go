package acctest_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// secret is a password that must be seen nowhere.
type secret struct{ user, password string }

// canaries are the ways in which it might be seen.
func (s secret) canaries() []string {
	return []string{
		s.password, url.QueryEscape(s.password), url.PathEscape(s.password), strings.Trim(fmt.Sprintf("%q", s.password), `"`),
		base64.StdEncoding.EncodeToString([]byte(s.user + ":" + s.password)), base64.StdEncoding.EncodeToString([]byte(s.password)),
	}
}

// privateIndex starts a package index that asks for that user and password, and returns its address with them.
func privateIndex(t *testing.T, s secret, packages ...pypi.Package) string {
	t.Helper()
	index := pypi.New(packages...)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != s.user || password != s.password {
			w.Header().Set("WWW-Authenticate", `Basic realm="packages"`)
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		index.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/simple/")
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(s.user, s.password)
	return u.String()
}

// dockerConfig makes a directory for DOCKER_CONFIG with the credentials of a registry.
func dockerConfig(t *testing.T, host string, s secret) string {
	t.Helper()
	directory := t.TempDir()
	auth := base64.StdEncoding.EncodeToString([]byte(s.user + ":" + s.password))
	text := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, auth)
	if err := os.WriteFile(filepath.Join(directory, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return directory
}

// searcher looks for secrets.
type searcher struct {
	t        *testing.T
	canaries []string
}

func (s searcher) search(where string, content []byte) {
	s.t.Helper()
	for _, canary := range s.canaries {
		if at := bytes.Index(content, []byte(canary)); at >= 0 {
			s.t.Errorf("%s holds %q: …%q…", where, canary, content[max(0, at-120):min(len(content), at+120)])
		}
	}
}

// searchFile looks into a file, and into what is packed in it.
func (s searcher) searchFile(path string) {
	s.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	s.search(path, content)
	if packed, err := gzip.NewReader(bytes.NewReader(content)); err == nil {
		unpacked, err := io.ReadAll(packed)
		if err != nil {
			s.t.Fatal(err)
		}
		s.search(path, unpacked)
	}
	if archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content))); err == nil {
		for _, entry := range archive.File {
			file, err := entry.Open()
			if err != nil {
				s.t.Fatal(err)
			}
			unpacked, err := io.ReadAll(file)
			if err != nil {
				s.t.Fatal(err)
			}
			s.search(path+" "+entry.Name, unpacked)
		}
	}
}

// searchDirectory looks into every file of a directory but those whose names are left out.
func (s searcher) searchDirectory(directory string, leftOut map[string]bool) (files int) {
	s.t.Helper()
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || leftOut[entry.Name()] {
			return err
		}
		files++
		s.searchFile(path)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}

// searchHistory looks into what BuildKit remembers of the builds for that registry, and shows to everybody who can connect to it.
func (s searcher) searchHistory(registryHost string) (builds int) {
	s.t.Helper()
	ctx := s.t.Context()
	c, err := client.New(ctx, workbenchtest.BuildKit(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	history, err := c.ControlClient().ListenBuildHistory(ctx, &controlapi.BuildHistoryRequest{EarlyExit: true})
	if err != nil {
		s.t.Fatal(err)
	}
	for {
		event, err := history.Recv()
		if errors.Is(err, io.EOF) {
			return builds
		}
		if err != nil {
			s.t.Fatal(err)
		}
		record, err := json.Marshal(event.GetRecord())
		if err != nil {
			s.t.Fatal(err)
		}
		if !bytes.Contains(record, []byte(registryHost)) {
			continue
		}
		builds++
		s.search("BuildKit's history", record)
		s.searchStatus(c, event.GetRecord().GetRef())
	}
}

// searchStatus looks into the steps and the log of a build.
func (s searcher) searchStatus(c *client.Client, ref string) {
	s.t.Helper()
	status, err := c.ControlClient().Status(s.t.Context(), &controlapi.StatusRequest{Ref: ref})
	if err != nil {
		s.t.Fatal(err)
	}
	for {
		update, err := status.Recv()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.t.Fatal(err)
		}
		text, err := json.Marshal(update)
		if err != nil {
			s.t.Fatal(err)
		}
		s.search("BuildKit's status", text)
		for _, log := range update.GetLogs() {
			s.search("BuildKit's log", log.GetMsg())
		}
	}
}

// The variables are ephemeral, because Terraform itself writes the provider's configuration and the values of other variables into a saved plan, sensitive or not:
// that is not for a provider to prevent, and the documentation says what to do.
const secretVariables = `
variable "index_url" {
  type      = string
  ephemeral = true
}

variable "extra_index_url" {
  type      = string
  ephemeral = true
}

variable "pip_config" {
  type      = string
  ephemeral = true
}
`

func TestManagedImage_secrets(t *testing.T) {
	t.Parallel()
	index, extra := secret{"reader", "c4nary/indexpass"}, secret{"reader2", "c4nary+extra pass"}
	config, registryLogin := secret{"reader3", "c4nary-configpass"}, secret{"pusher", "c4nary&registry$pass"}
	data := t.TempDir()
	registry := acctest.StartRegistry(t, oci.Options{DataDir: data, Username: registryLogin.user, Password: registryLogin.password})
	w := acctest.Embedded{
		Registry: registry.Host, Pip: "{ index_url = var.index_url, extra_index_urls = [var.extra_index_url], config = var.pip_config }",
	}.NewWorkspace(t)
	w.Env["TF_VAR_index_url"] = privateIndex(t, index, pypi.Simple("tiny-model", "1.0"))
	w.Env["TF_VAR_extra_index_url"] = privateIndex(t, extra, pypi.Simple("other-lib", "1.0"))
	w.Env["TF_VAR_pip_config"] = "[global]\nextra-index-url = " + privateIndex(t, config, pypi.Simple("third-lib", "1.0")) + "\n# token = c4nary-comment\n"
	w.Env["DOCKER_CONFIG"] = dockerConfig(t, registry.Host, registryLogin)
	s := searcher{t: t, canaries: []string{"c4nary-comment"}}
	for _, secret := range []secret{index, extra, config, registryLogin} {
		s.canaries = append(s.canaries, secret.canaries()...)
	}

	w.Write("variables.tf", secretVariables)
	w.Write("main.tf", imageOf("model", "tiny-model", "other-lib"))
	s.search("the plan", []byte(w.MustRun("plan", "-out=saved.tfplan").Output))
	s.search("the saved plan", []byte(w.MustRun("show", "saved.tfplan").Output+w.MustRun("show", "-json", "saved.tfplan").Output))
	w.Env["TF_LOG"] = "TRACE"
	s.search("the apply", []byte(w.MustRun("apply", "saved.tfplan").Output))
	w.Write("main.tf", imageOf("model", "tiny-model", "other-lib", "no-such-lib"))
	failed := fails(t, w, []string{"apply", "-auto-approve"}, `pip_requirements["no-such-lib"]`)
	s.search("the failed apply", []byte(failed.Output))
	t.Log(len(failed.Output))

	wrong := secret{"reader", "c4nary-wrongpass"}
	s.canaries = append(s.canaries, wrong.canaries()...)
	right := w.Env["TF_VAR_index_url"]
	w.Env["TF_VAR_index_url"] = strings.Replace(right, url.UserPassword(index.user, index.password).String(), url.UserPassword(wrong.user, wrong.password).String(), 1)
	w.Env["TF_LOG"] = ""
	failed = fails(t, w, []string{"apply", "-auto-approve"})
	t.Log(failed.Output)
	s.search("the apply with a wrong password for the index", []byte(failed.Output))
	w.Env["TF_VAR_index_url"], w.Env["DOCKER_CONFIG"] = right, dockerConfig(t, registry.Host, wrong)
	failed = fails(t, w, []string{"plan"}, "401 Unauthorized", "docker login")
	t.Log(failed.Output)
	s.search("the plan with a wrong password for the registry", []byte(failed.Output))

	if n := s.searchDirectory(w.Dir, nil); n < 5 { // the state, its backup, the saved plan, the configuration
		t.Errorf("only %d files in the workspace", n)
	}
	if n := s.searchDirectory(data, nil); n < 10 { // blobs and manifests of images, configurations, provenance, SBOM, record
		t.Errorf("only %d files in the registry", n)
	}
	if n := s.searchHistory(registry.Host); n < 2 {
		t.Errorf("BuildKit remembers only %d builds", n)
	}
}
