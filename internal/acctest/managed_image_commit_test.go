package acctest_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// forge is github.com as a proxy gives it: a repository whose branch main has one commit after the other, each with the files of a
// version of a distribution. What is asked of other hosts goes there.
type forge struct {
	index *pypi.Index

	mu       sync.Mutex
	main     string
	versions map[string]string
}

// commit makes a commit of a version, with a name that no cache knows.
func (f *forge) commit(version string) string {
	id := make([]byte, 20)
	_, _ = rand.Read(id)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.main = hex.EncodeToString(id)
	f.versions[f.main] = version
	return f.main
}

func (f *forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	archive, isArchive := strings.CutPrefix(r.URL.Path, "/o/model/archive/")
	switch {
	case r.URL.Host != "github.com":
		(&httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}}).ServeHTTP(w, r)
	case r.URL.Path == "/o/model.git/info/refs":
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		_, _ = fmt.Fprintf(w, "001e# service=git-upload-pack\n0000003d%s refs/heads/main\n0000", f.main)
	case isArchive:
		r.URL.Path = "/files/model/model-" + f.versions[strings.TrimSuffix(archive, ".tar.gz")] + ".tar.gz"
		f.index.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

// TestManagedImage_lockCommit locks a branch to its commit, and stays there until a rebuild is asked for.
func TestManagedImage_lockCommit(t *testing.T) {
	t.Parallel()
	release := func(version string) pypi.Release {
		return pypi.Release{Version: version, Requires: []string{"lib"}, Source: &pypi.Source{}}
	}
	github := &forge{
		index:    pypi.New(pypi.Package{Name: "model", Releases: []pypi.Release{release("1.0"), release("2.0")}}),
		versions: map[string]string{},
	}
	first := github.commit("1.0")
	proxy := httptest.NewServer(github)
	t.Cleanup(proxy.Close)
	index, stop := workbenchtest.Serve(pypi.New(pypi.Simple("lib", "1.0"), pypi.Simple("other", "3.0")))
	t.Cleanup(stop)
	w := acctest.Embedded{
		Registry: acctest.StartRegistry(t, oci.Options{}).Host,
		Pip:      fmt.Sprintf("{ index_url = %q, config = %q }", index+"/simple/", "[global]\nproxy = "+proxy.URL+"\n"),
	}.NewWorkspace(t)
	w.Env["HTTP_PROXY"] = proxy.URL
	const model = "model @ git+http://github.com/o/model.git@main"
	w.Write("main.tf", imageOf("first", model))
	shows(t, w.MustRun("plan", "-no-color"), `+ "model" = "1.0"`, `+ "lib" = "1.0"`, `requested-revision = "main", commit-id = "`+first)
	w.Apply()
	second := github.commit("2.0")
	w.PlanIsEmpty()
	w.Write("main.tf", imageOf("first", model, "other"))
	shows(t, w.MustRun("plan", "-no-color"), `+ "other" = "3.0"`, `commit-id = "`+first)
	w.Apply()
	w.Write("main.tf", imageWith("first", "triggers = { week = 1 }", model, "other"))
	shows(t, w.MustRun("plan", "-no-color"), `~ "model" = "1.0" -> "2.0"`, `commit-id = "`+second)
	w.Apply()
	w.PlanIsEmpty()
	w.Write("main.tf", imageOf("first", strings.Replace(model, "@main", "@mian", 1)))
	fails(t, w, []string{"plan"}, "Unable to Read Address", `similar ones are "main"`, "Write the name of a branch, a tag or a commit")
}
