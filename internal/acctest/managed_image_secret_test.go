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
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
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
	written, _ := json.Marshal(s.password) // a text has a JSON form
	return []string{
		s.password, url.QueryEscape(s.password), url.PathEscape(s.password), strings.Trim(string(written), `"`),
		base64.StdEncoding.EncodeToString([]byte(s.user + ":" + s.password)), base64.StdEncoding.EncodeToString([]byte(s.password)),
	}
}

// pathToken is a part of the path of an index, as some take their tokens.
var pathToken = secret{"", "c4naryPathToken0123"}

// privateIndex starts a package index that asks for that user and password, below the token, and returns its address with
// all of them.
func privateIndex(t *testing.T, s secret, packages ...pypi.Package) string {
	t.Helper()
	index := http.StripPrefix("/"+pathToken.password, pypi.New(packages...))
	address, stop := workbenchtest.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != s.user || password != s.password {
			w.Header().Set("WWW-Authenticate", `Basic realm="packages"`)
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		index.ServeHTTP(w, r)
	}))
	t.Cleanup(stop)
	u, err := url.Parse(address + "/" + pathToken.password + "/simple/")
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

// search looks into a text, which has to be of what it is said to be: it tells of the image.
func (s searcher) search(where, text string) {
	s.t.Helper()
	if !strings.Contains(text, "model") {
		s.t.Errorf("%s tells nothing: %s", where, text)
	}
	s.searchBytes(where, []byte(text))
}

func (s searcher) searchBytes(where string, content []byte) {
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
	s.searchBytes(path, content)
	if packed, err := gzip.NewReader(bytes.NewReader(content)); err == nil {
		unpacked, err := io.ReadAll(packed)
		if err != nil {
			s.t.Fatal(err)
		}
		s.searchBytes(path, unpacked)
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
			s.searchBytes(path+" "+entry.Name, unpacked)
		}
	}
}

// searchDirectory looks into every file of a directory but those whose names are left out.
func (s searcher) searchDirectory(directory string, leftOut map[string]bool) {
	s.t.Helper()
	files := 0
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || leftOut[entry.Name()] {
			return err
		}
		files++
		s.searchFile(path)
		return nil
	})
	if err != nil || files < 6 {
		s.t.Errorf("%s has only %d files: %v", directory, files, err)
	}
}

// searchHistory looks into what BuildKit remembers of the images in that registry, and shows to everybody who can connect to
// it. What another test has built in a registry that had the same port is no image of these.
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
		if !bytes.Contains(record, []byte(registryHost+"/ml/model")) {
			continue
		}
		builds++
		s.search("BuildKit's history", string(record))
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
		s.searchBytes("BuildKit's status", text)
		for _, log := range update.GetLogs() {
			s.searchBytes("BuildKit's log", log.GetMsg())
		}
	}
}

// The variables are ephemeral, because Terraform itself writes the provider's configuration, as it is written, and the values of other variables into a
// saved plan, sensitive or not: that is not for a provider to prevent. What the provider adds to plan and state is clean in any case.
const secretVariables = `
variable "pip" {
  type      = object({ index_url = optional(string), extra_index_urls = optional(list(string)), config = optional(string),
    indexes = optional(map(object({ url = string, packages = set(string) }))) })
  ephemeral = true
}
`

// secretBench is a workspace whose package indexes and registry ask for passwords.
type secretBench struct {
	*acctest.Workspace
	searcher
	registry *oci.Server
	data     string // where the registry keeps everything
}

func newSecretBench(t *testing.T, pip map[string]any, secrets ...secret) *secretBench {
	t.Helper()
	login := secret{"pusher", "c4nary&registry$pass"}
	b := &secretBench{searcher: searcher{t: t}, data: t.TempDir()}
	for _, s := range append(secrets, login, pathToken) {
		b.canaries = append(b.canaries, s.canaries()...)
	}
	b.registry = acctest.StartRegistry(t, oci.Options{DataDir: b.data, Username: login.user, Password: login.password})
	b.Workspace = acctest.Embedded{Registry: b.registry.Host, Pip: "var.pip"}.NewWorkspace(t)
	b.Write("variables.tf", secretVariables)
	b.set(pip)
	b.Env["DOCKER_CONFIG"] = dockerConfig(t, b.registry.Host, login)
	return b
}

// set gives the provider's attribute pip a value.
func (b *secretBench) set(pip map[string]any) {
	b.t.Helper()
	value, err := json.Marshal(pip)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Env["TF_VAR_pip"] = string(value)
}

// live goes through what can be seen of an image's life, and searches all of it.
func (b *secretBench) live(requirements ...string) {
	b.t.Helper()
	b.Write("main.tf", imageOf("model", requirements...))
	b.search("the plan", b.MustRun("plan", "-out=saved.tfplan").Output)
	b.search("the saved plan", b.MustRun("show", "saved.tfplan").Output)
	b.search("the saved plan", b.MustRun("show", "-json", "saved.tfplan").Output)
	b.Env["TF_LOG"] = "TRACE"
	b.search("the apply", b.MustRun("apply", "saved.tfplan").Output)
	b.Write("main.tf", imageOf("model", append(requirements, "no-such-lib")...))
	b.search("the failed plan", fails(b.t, b.Workspace, []string{"plan"}, `No package index has "no-such-lib"`).Output)
	b.Write("main.tf", imageOf("model", append(requirements, "broken-build")...))
	b.search("the failed apply", fails(b.t, b.Workspace, []string{"apply", "-auto-approve"}, `pip_requirements["broken-build"]`).Output)
	b.Env["TF_LOG"] = ""

	b.searchDirectory(b.Dir, nil) // the state, its backup, the saved plan
	b.searchDirectory(b.data, baseLayers(b.t))
	if n := b.searchHistory(b.registry.Host); n < 2 {
		b.t.Errorf("BuildKit remembers only %d builds", n)
	}
}

// baseLayers are the names of the layers of the base image, which no secret can have reached.
func baseLayers(t *testing.T) map[string]bool {
	t.Helper()
	reference, err := name.ParseReference(acctest.BaseImage(t))
	if err != nil {
		t.Fatal(err)
	}
	base, err := remote.Image(reference, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := base.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, layer := range manifest.Layers {
		names[layer.Digest.Hex] = true
	}
	return names
}

// brokenBuild fails when it is installed.
var brokenBuild = acctest.Source("broken-build", pypi.Source{Failure: "the C compiler is missing"})

func TestManagedImage_secretURLs(t *testing.T) {
	t.Parallel()
	index, extra, wrong := secret{"reader", "c4nary/indexpass"}, secret{"reader2", "c4nary+extra pass"}, secret{"reader", "c4nary-wrongpass"}
	own := secret{"reader3", "c4nary=own?pass"}
	private := privateIndex(t, index, pypi.Simple("tiny-model", "1.0"), pypi.Simple("Our.Lib", "99.0"), brokenBuild)
	b := newSecretBench(t, map[string]any{
		"index_url": private, "extra_index_urls": []string{privateIndex(t, extra, pypi.Simple("other-lib", "1.0"))},
		"indexes": map[string]any{"own": map[string]any{
			"url": privateIndex(t, own, pypi.Simple("Our.Lib", "1.0"), pypi.Simple("tiny-model", "99.0")), "packages": []string{"Our_Lib"},
		}},
	}, index, extra, own, wrong)
	b.Write("main.tf", imageOf("model", "tiny-model", "our-lib"))
	shows(t, b.MustRun("plan", "-no-color"), `+ "our-lib"`, `our_lib-1.0-`, `tiny_model-1.0-`) // each from the one index that may have it
	b.live("tiny-model", "other-lib", "our-lib")

	// Wrong passwords are secrets as well: mostly they are right ones, somewhere else.
	b.set(map[string]any{"index_url": strings.Replace(private, url.UserPassword(index.user, index.password).String(), url.UserPassword(wrong.user, wrong.password).String(), 1)})
	r := fails(t, b.Workspace, []string{"apply", "-auto-approve"}, "Unable to Read Package Index", "HTTP status: 401", "Check the credentials")
	b.search("the apply with a wrong password for the index", r.Output)
	b.Env["DOCKER_CONFIG"] = dockerConfig(t, b.registry.Host, wrong)
	r = fails(t, b.Workspace, []string{"plan"}, "401 Unauthorized", "docker login")
	b.search("the plan with a wrong password for the registry", r.Output)
}

func TestManagedImage_secretPipConfig(t *testing.T) {
	t.Parallel()
	index, extra := secret{"reader", "c4nary-configpass"}, secret{"reader2", "c4nary.configpass2"}
	config := "[global]\nindex-url = " + privateIndex(t, index, pypi.Simple("tiny-model", "1.0"), brokenBuild) +
		"\nextra-index-url = " + privateIndex(t, extra, pypi.Simple("other-lib", "1.0")) + "\n# token = c4nary-comment\n"
	b := newSecretBench(t, map[string]any{"config": config}, index, extra, secret{"", "c4nary-comment"})
	b.live("tiny-model", "other-lib")
}
