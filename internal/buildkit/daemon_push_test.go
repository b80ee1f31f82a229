package buildkit

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/buildkit/client"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// pushes tells whether a request publishes a manifest under this repository.
func pushes(r *http.Request, target string) bool {
	_, path, _ := strings.Cut(target, "/")
	return r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/v2/"+strings.TrimSuffix(path, ":tag")+"/manifests/")
}

// TestBuild_pushRepeated answers many pushes with 429, in the forms that registries have for it, and some with ECR's word for a token that has expired: BuildKit gives
// up after a few immediate repetitions, or at once; we do not.
func TestBuild_pushRepeated(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]struct {
		status int
		times  int64
		body   string
	}{
		"plain":   {http.StatusTooManyRequests, 12, ""},
		"ECR":     {http.StatusTooManyRequests, 12, `{"errors":[{"code":"TOOMANYREQUESTS","message":"Rate exceeded"}]}`},
		"odd":     {http.StatusTooManyRequests, 12, `{"errors":[{"code":"DENIED","message":"Rate exceeded"}]}`},
		"expired": {http.StatusForbidden, 3, `{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, pypi.Simple("tiny", "1.0"))
			req := b.request("tiny")
			var refused atomic.Int64
			b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if !pushes(r, req.Target) || refused.Add(1) > refusal.times {
					return false
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(refusal.status)
				_, _ = io.WriteString(w, refusal.body)
				return true
			})
			b.options.PushPause = time.Millisecond
			builder := b.builder()
			result, err := builder.Build(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if got := b.pull(req.Target).digest.String(); got != result.Digest {
				t.Errorf("pushed %s, the result says %s", got, result.Digest)
			}
			if refused.Load() <= refusal.times {
				t.Errorf("only %d pushes", refused.Load())
			}
		})
	}
}

// TestBuild_pushThrottledFresh wants what a fresh build installed to be pushed, and installed once, however often the push is repeated.
func TestBuild_pushThrottledFresh(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0"))
	b.options.PushPause = time.Millisecond
	builder := b.builder()
	req := b.request("tiny")
	req.Base = b.ownBase()
	if _, err := builder.Build(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	b.replaceIndex(pypi.Simple("tiny", "2.0"))
	var refused atomic.Int64
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !pushes(r, req.Target) || refused.Add(1) > 12 {
			return false
		}
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	req.Fresh = true
	result, err := builder.Build(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if got := versionOf(result, "tiny"); got != "2.0" {
		t.Errorf("installed tiny %s", got)
	}
	if got := strings.Count(b.log(), stepPip+": Successfully installed tiny-2.0"); got != 1 {
		t.Errorf("tiny was installed %d times", got)
	}
	if !strings.Contains(b.log(), "trying again in about") {
		t.Error("the log does not tell that the push is repeated")
	}
}

// TestBuild_pushRefused meets registries that refuse for good.
func TestBuild_pushRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		says   string
	}{
		"unauthorized": {http.StatusUnauthorized, `{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}`, "who are you"},
		"denied":       {http.StatusForbidden, `{"errors":[{"code":"DENIED","message":"not yours"}]}`, "may not push to this repository"},
		"not there":    {http.StatusNotFound, `{"errors":[{"code":"NAME_UNKNOWN","message":"The repository with name 'x' does not exist in the registry with id '1'"}]}`, "has no such repository"},
		"page":         {http.StatusForbidden, "<html>no</html>", "may not push to this repository"},
		"always 429":   {http.StatusTooManyRequests, "", tooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, pypi.Simple("tiny", "1.0"))
			req := b.request("tiny")
			b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if !pushes(r, req.Target) {
					return false
				}
				if strings.HasPrefix(c.body, "{") {
					w.Header().Set("Content-Type", "application/json")
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
				return true
			})
			b.options.PushPause = time.Millisecond
			builder := b.builder()
			_, err := builder.Build(t.Context(), req)
			failed := asError(t, err)
			if f := failed.Failure; f.Class != imageregistry.FailurePush || f.Step != stepPush || !strings.Contains(f.Message, c.says) {
				t.Errorf("got %+v", f)
			}
		})
	}
}

// TestBuild_credentials pushes to a registry with passwords. They change between two builds; the Builder is the same.
func TestBuild_credentials(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0"))
	var password atomic.Value
	password.Store("the-first-password")
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if _, got, _ := r.BasicAuth(); got == password.Load() {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	keys := &keychain{configs: map[string]authn.AuthConfig{}}
	b.options.Keychain = keys
	builder := b.builder()
	for _, word := range []string{"the-first-password", "the-second-password"} {
		password.Store(word)
		keys.set(b.registry, authn.AuthConfig{Username: "user", Password: word})
		if _, err := builder.Build(t.Context(), b.request("tiny")); err != nil {
			t.Fatalf("%s: %v", word, err)
		}
	}
	if _, err := builder.ResolveBase(t.Context(), strings.Split(b.base, "@")[0]); err != nil {
		t.Errorf("ResolveBase: %v", err)
	}
	keys.set(b.registry, authn.AuthConfig{Username: "user", Password: "a-wrong-password"})
	_, err := builder.Build(t.Context(), b.request("tiny"))
	failed := asError(t, err)
	if strings.Contains(failed.Error()+failed.Failure.Message, "a-wrong-password") {
		t.Errorf("the password is shown: %v", failed)
	}
}

// TestBuild_secrets plants a canary in every secret input and searches everything that a build leaves behind.
func TestBuild_secrets(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0"))
	canary := fmt.Sprintf("canary%x", rand.Uint64()) // the daemon remembers the builds of earlier runs
	guarded := func(user, password string) string {
		return strings.Replace(guardedIndex(t, b.index, user, password), "http://", "http://"+url.UserPassword(user, password).String()+"@", 1)
	}
	b.options.Pip.IndexURL = guarded("indexuser", canary+"-inde/x")
	token := strings.Replace(guarded(canary+"-token", ""), ":@", "@", 1) // an index that takes a token for the name of a user
	b.options.Pip.ExtraIndexURLs = []string{guarded("extrauser", canary+"-extr'a"), token}
	b.options.Pip.Config = "[global]\nfind-links = http://confuser:" + canary + "-conf@127.0.0.1:1/\nretries = 0\n"
	b.options.CAFile = t.TempDir() + "/ca.pem"
	if err := os.WriteFile(b.options.CAFile, []byte("# "+canary+"-ca\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if _, got, _ := r.BasicAuth(); got == canary+"-registry" || r.Method == http.MethodGet || r.Method == http.MethodHead {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	b.options.Keychain = &keychain{configs: map[string]authn.AuthConfig{b.registry: {Username: "user", Password: canary + "-registry"}}}

	b.searchBuilds(canary)
}

// TestBuild_secretsInPath has an index that takes a token as a part of its path and in the query, as hosted indexes do. Pip hides
// nothing of such URLs; the log shows their host only.
func TestBuild_secretsInPath(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0"))
	canary := fmt.Sprintf("canary%x", rand.Uint64())
	guarded := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, "/"+canary+"/org/weak7/python")
		if !ok {
			http.NotFound(w, r)
			return
		}
		r.URL.Path = path
		forwardRequest(w, r, strings.TrimSuffix(b.index, "/simple/"))
	})
	b.options.Pip.IndexURL = guarded + "/" + canary + "/org/weak7/python/simple/"
	b.options.Pip.ExtraIndexURLs = []string{b.index + "?auth=" + canary + "-query", b.index + "?" + canary + "-alone"}
	b.options.Pip.Config = "[global]\nfind-links = http://127.0.0.1:1/" + canary + "/links/?apikey=" + canary + "&format=html\nretries = 0\n"
	b.searchBuilds(canary)
	if log := b.log(); strings.Contains(log, "weak7") || !strings.Contains(log, redact.Text(guarded)+", ") {
		t.Errorf("the log is\n%s", log)
	}
}

// searchBuilds makes a build that succeeds and one that fails, and searches everything that they leave behind.
func (b *bench) searchBuilds(canary string) {
	t := b.t
	t.Helper()
	req := b.request("tiny")
	if _, err := b.builder().Build(t.Context(), req); err != nil {
		t.Fatalf("%v\n%s", err, b.log())
	}
	searched := map[string][]byte{"log": []byte(b.log())}
	p := b.pull(req.Target)
	for _, image := range append(p.images, p.attestations...) {
		searchImage(t, searched, image)
	}
	missing := b.request("no-such-lib")
	failed := b.failureOf(t.Context(), missing)
	searched["failure"] = []byte(failed.Error() + strings.Join(failed.Failure.LogTail, "\n") + failed.Err.Error())
	searched["log of the failure"] = []byte(b.log())
	for what, content := range searched {
		if i := bytes.Index(content, []byte(canary)); i >= 0 {
			t.Errorf("a secret is in the %s: %q", what, content[max(0, i-100):min(len(content), i+40)])
		}
	}
	if len(searched) < 10 || !strings.Contains(b.log(), "127.0.0.1") {
		t.Errorf("searched only %d things", len(searched))
	}
	searchHistory(t, b.address, canary)
}

// searchImage adds everything of an image: manifest, configuration, and each file of the layers that are not the base's.
func searchImage(t *testing.T, searched map[string][]byte, image v1.Image) {
	t.Helper()
	id := digestOfImage(t, image)
	manifest, err := image.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	searched["manifest of "+id], searched["configuration of "+id] = manifest, config
	for i, layer := range layersOf(t, image) {
		if mediaType, _ := layer.MediaType(); strings.Contains(string(mediaType), "in-toto") {
			searched["attestation "+digestOf(contentOf(t, layer))] = contentOf(t, layer)
		} else if i > 0 {
			eachFile(t, layer, func(h *tar.Header, r io.Reader) {
				content, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				searched["file "+h.Name] = append([]byte(h.Name+h.Linkname), content...)
			})
		}
	}
}

// searchHistory searches what the daemon remembers of all builds.
func searchHistory(t *testing.T, address, canary string) {
	t.Helper()
	c, err := client.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	records := buildHistory(t, c)
	if len(records) == 0 {
		t.Fatal("the daemon remembers nothing")
	}
	for _, record := range records {
		if i := bytes.Index(record, []byte(canary)); i >= 0 {
			t.Errorf("a secret is in the daemon's history: %q", record[max(0, i-100):min(len(record), i+40)])
		}
	}
}

// guardedIndex serves a package index to whoever knows the password.
func guardedIndex(t *testing.T, target, user, password string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="index"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		forwardRequest(w, r, strings.TrimSuffix(target, "/simple/"))
	}) + "/simple/"
}

// TestBuild_trust downloads from an index and a mirror whose certificate only the CA file vouches for.
func TestBuild_trust(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0"))
	index, certificate := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.packages.Load().ServeHTTP(w, r) }))
	mirror, _ := serveTLS(t, debianRepository(deb{name: "hello", version: "1.0"}))
	b.options.Pip = PipOptions{IndexURL: index + "/simple/", Config: fewRetries}
	system := b.request("tiny")
	system.Base = b.variant("base/trust", withFiles(map[string]string{"etc/apt/sources.list": sourcesLine(mirror)}))
	system.Packages = []requirement.Package{{Name: "hello", Type: requirement.PackageTypeApt}}
	for what, req := range map[string]Request{"pip": b.request("tiny"), "apt": system} {
		if f := b.failureOf(t.Context(), req).Failure; f.Class != imageregistry.FailureNetwork || !strings.Contains(f.Message, "certificate") {
			t.Errorf("%s without the CA: %+v", what, f)
		}
	}
	b.options.CAFile = t.TempDir() + "/ca.pem"
	if err := os.WriteFile(b.options.CAFile, certificate, 0o600); err != nil { // both servers have the same
		t.Fatal(err)
	}
	if _, err := b.builder().Build(t.Context(), system); err != nil {
		t.Errorf("with the CA: %v\n%s", err, b.log())
	}
}

// serveTLS starts a server with a certificate that nobody knows, and returns its address and the certificate in PEM.
func serveTLS(t *testing.T, handler http.Handler) (address string, certificate []byte) {
	t.Helper()
	mounted, path := workbenchtest.Mount(handler)
	server := httptest.NewUnstartedServer(mounted)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshakes that fail are the test
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL + path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// TestBuild_referee lets skopeo and Debian's registry judge what we publish.
func TestBuild_referee(t *testing.T) {
	t.Parallel()
	b := newBench(t, pypi.Simple("tiny", "1.0"))
	skopeo, host := workbenchtest.Skopeo(t), workbenchtest.DockerRegistry(t)
	req := b.request("tiny")
	req.Target = host + "/referee/image:tag"
	result, err := b.builder().Build(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), skopeo, "inspect", "--tls-verify=false", "docker://"+req.Target).Output()
	if err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Digest string
		Labels map[string]string
		Layers []string
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatal(err)
	}
	parsed, err := name.ParseReference(req.Target)
	if err != nil {
		t.Fatal(err)
	}
	d, err := remote.Head(parsed, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if d.Digest.String() != result.Digest || seen.Labels[LabelPrefix+"version"] != "1.2.3" || len(seen.Layers) != 2 {
		t.Errorf("skopeo sees %+v, the registry has %s, the result says %s", seen, d.Digest, result.Digest)
	}
}
