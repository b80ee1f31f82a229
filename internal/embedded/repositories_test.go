package embedded

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// repositories is a RepositoryManager that only remembers.
type repositories struct {
	mu    sync.Mutex
	calls []string
	fails error
}

func (r *repositories) note(call string, repo name.Repository) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call+" "+repo.RepositoryStr())
	return r.fails
}

func (r *repositories) Prepare(_ context.Context, repo name.Repository) error {
	return r.note("prepare", repo)
}

func (r *repositories) Remove(_ context.Context, repo name.Repository) error {
	return r.note("remove", repo)
}

// List names what has been prepared, besides something that is no image.
func (r *repositories) List(_ context.Context, directory string) ([]string, error) {
	names := []string{directory + "/with/in"}
	for _, call := range r.calls {
		if repository, prepared := strings.CutPrefix(call, "prepare "); prepared {
			names = append(names, repository)
		}
	}
	return names, r.fails
}

func TestRepositoryManager(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		manager := &repositories{}
		with := func(c *Config) { c.Repositories = manager }
		p := w.process(t, "a/1", with)
		built := p.mustCreate(t, specOf("model-a", "numpy"))
		p.mustUpdate(t, specOf("model-a", "scipy"))
		p.mustDelete(t, "model-a")
		if want := []string{"prepare ml/model-a", "remove ml/model-a"}; !slices.Equal(manager.calls, want) {
			t.Fatalf("calls %q", manager.calls)
		}
		// A repository with something of others in it stays.
		p.mustCreate(t, specOf("model-a", "numpy"))
		w.push(t, built.RepoURI+":theirs")
		if kept, err := p.Kept(t.Context(), "model-a"); kept != 1 || err != nil {
			t.Errorf("%d tags stay, %v", kept, err)
		}
		for image, err := range p.List(t.Context(), imageregistry.Filter{}) {
			if err != nil || image.Name != "model-a" {
				t.Errorf("listed %q, %v", image.Name, err)
			}
		}
		p.mustDelete(t, "model-a")
		if kept, err := p.Kept(t.Context(), "model-a"); kept != 0 || err != nil {
			t.Errorf("%d tags stay of an image that is gone, %v", kept, err)
		}
		if n := len(manager.calls); n != 3 {
			t.Fatalf("calls %q", manager.calls)
		}
		// A delete whose very last step was interrupted is finished by the next.
		w.remove(t, built.RepoURI+":theirs")
		if err := p.Delete(t.Context(), "model-a"); !errors.Is(err, imageregistry.ErrNotFound) {
			t.Errorf("Delete returns %v", err)
		}
		if calls := manager.calls[3:]; !slices.Equal(calls, []string{"remove ml/model-a"}) {
			t.Errorf("calls %q", calls)
		}
		manager.fails = errors.New("no such account")
		if _, _, err := p.Create(t.Context(), specOf("model-b")); !errors.Is(err, manager.fails) {
			t.Errorf("Create returns %v", err)
		}
		if tags := w.tags(t, testHost+"/ml/model-b"); len(tags) != 0 {
			t.Errorf("an unprepared repository was pushed to: %q", tags)
		}
	})
}

// account is a RepositoryManager of a registry that takes nothing into a repository that was not made.
type account struct {
	*world
	t     *testing.T
	mu    sync.Mutex
	there map[string]bool
	// fails is what becomes of a Prepare after it has made the repository. removing, removed and prepared are called once.
	fails                       error
	removing, removed, prepared func()
}

func newAccount(t *testing.T, w *world) *account {
	t.Helper()
	a := &account{world: w, t: t, there: map[string]bool{}, removing: func() {}, removed: func() {}, prepared: func() {}}
	wire := w.wire
	w.wire = roundTripper(func(req *http.Request) (*http.Response, error) {
		rest, ours := strings.CutPrefix(req.URL.Path, "/v2/ml/")
		if image, _, _ := strings.Cut(rest, "/"); ours && !a.has("ml/"+image) {
			return answer(req, http.StatusNotFound, "application/json", `{"errors":[{"code":"NAME_UNKNOWN","message":"The repository does not exist"}]}`), nil
		}
		return wire.RoundTrip(req)
	})
	return a
}

func (a *account) has(repository string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.there[repository]
}

// once takes a call that is to be made once.
func (a *account) once(call *func()) func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := *call
	*call = func() {}
	return now
}

func (a *account) set(repository string, there bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.there[repository] = there
}

func (a *account) Prepare(_ context.Context, repo name.Repository) error {
	a.set(repo.RepositoryStr(), true)
	a.once(&a.prepared)()
	return a.fails
}

func (a *account) Remove(_ context.Context, repo name.Repository) error {
	a.once(&a.removing)()
	if len(a.tags(a.t, repo.Name())) == 0 { //nolint:contextcheck // The test's own look has the test's context.
		a.set(repo.RepositoryStr(), false)
	}
	a.once(&a.removed)()
	return nil
}

func (a *account) List(context.Context, string) ([]string, error) { return nil, nil }

// A create prepares its repository again that the delete of an earlier image takes away in between.
func TestRepositoryManager_removedBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newAccount(t, w)
	with := func(c *Config) { c.Repositories = a }
	first, second := w.process(t, "a/1", with), w.process(t, "b/1", with)
	first.mustCreate(t, specOf("model", "numpy"))
	removing, prepared, removed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	a.removing = func() { close(removing); <-prepared }
	a.removed = func() { close(removed) }
	deleted := make(chan error)
	go func() { deleted <- first.Delete(t.Context(), "model") }()
	<-removing
	a.prepared = func() { close(prepared); <-removed }
	second.mustCreate(t, specOf("model", "scipy"))
	if err := <-deleted; err != nil {
		t.Error(err)
	}
}

// A repository whose preparation failed half-way is taken back.
func TestRepositoryManager_takenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newAccount(t, w)
	a.fails = errors.New("no such permission")
	p := w.process(t, "a/1", func(c *Config) { c.Repositories = a })
	if _, _, err := p.Create(t.Context(), specOf("model", "numpy")); !errors.Is(err, a.fails) {
		t.Errorf("Create returns %v", err)
	}
	if a.has("ml/model") {
		t.Error("the repository is left")
	}
}
