package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/lifeline"
)

var (
	_ imageregistry.Registry  = (*Registry)(nil)
	_ imageregistry.Updater   = (*Registry)(nil)
	_ imageregistry.Rebuilder = (*Registry)(nil)
	_ imageregistry.Notifier  = (*Registry)(nil)
	_ imageregistry.Keeper    = (*Registry)(nil)
)

// Registry is the embedded registry. It is safe for concurrent use.
type Registry struct {
	config    Config
	directory string // of the repositories
	store     *store
	bases     *bases
	works     works
	// background is what Close waits for.
	background *background
	locks      locks
	creations  lifeline.Creations
	facts      baseFacts
}

// New returns a Registry. It contacts nothing; a configuration that cannot work is a [*ConfigError].
func New(config Config) (*Registry, error) {
	registry, directory, err := config.parseLocation()
	if err != nil {
		return nil, err
	}
	if err := config.validateBases(); err != nil {
		return nil, err
	}
	config.Options, config.Timing = config.Options.withDefaults(), config.Timing.withDefaults()
	if config.Keychain == nil {
		config.Keychain = authn.DefaultKeychain
	}
	if config.Transport == nil {
		transport, err := httpx.NewTransport(httpx.Trust{})
		if err != nil {
			return nil, err
		}
		config.Transport = transport
	}
	s, err := newStore(config, registry)
	if err != nil {
		return nil, err
	}
	behind := &background{ends: map[int]context.CancelCauseFunc{}}
	r := &Registry{
		config:     config,
		directory:  directory,
		store:      s,
		bases:      &bases{store: s, background: behind, insecure: config.Insecure, answers: map[string]*baseAnswer{}},
		background: behind,
		works:      works{byID: map[string]*work{}},
		locks:      locks{held: map[string]chan struct{}{}},
		creations:  lifeline.Creations{Lines: s.lifelines()},
	}
	r.facts = baseFacts{registry: r, layers: []remote.Option{
		remote.WithTransport(config.Transport), remote.WithAuthFromKeychain(config.Keychain), remote.WithUserAgent(userAgent(config.Version)),
	}}
	return r, nil
}

// imageName is the rule for names (internal/rime/CONTRACT.md §2.12), so that a configuration fits a platform as well.
var imageName = regexp.MustCompile(`\A[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*\z`)

// repository is where the image of that name lives.
func (r *Registry) repository(image string) (name.Repository, error) {
	if !imageName.MatchString(image) {
		return name.Repository{}, &NameError{Name: image}
	}
	return r.store.registry.Repo(r.directory, image), nil
}

// Get implements [imageregistry.Registry].
func (r *Registry) Get(ctx context.Context, image string) (imageregistry.Image, error) {
	repo, err := r.repository(image)
	if err != nil {
		return imageregistry.Image{}, err
	}
	rec, _, err := r.store.readRecord(ctx, repo)
	if errors.Is(err, errAbsent) {
		return imageregistry.Image{}, notFound(image)
	}
	if err != nil {
		return imageregistry.Image{}, err
	}
	return r.look(ctx, repo, rec)
}

func notFound(image string) error {
	return fmt.Errorf("image %q: %w", image, imageregistry.ErrNotFound)
}

// look describes the image of a record as it is right now.
func (r *Registry) look(ctx context.Context, repo name.Repository, rec *record) (imageregistry.Image, error) {
	r.overlay(rec)
	var seen sighting
	if rec.Image != nil && !rec.building(r.store.clock.now()) {
		var err error
		if seen, err = r.inspect(ctx, repo, rec); err != nil {
			return imageregistry.Image{}, err
		}
	}
	return r.describe(repo, rec, seen), nil
}

func (r *Registry) describe(repo name.Repository, rec *record, seen sighting) imageregistry.Image {
	image := rec.image(repo.Name())
	image.Status, image.StatusReason = status(rec, seen, r.store.clock.now())
	image.Unclaimed = r.unclaimed(rec)
	return image
}

// overlay adds to the record what this process knows better: a build of its own is alive however late its lease is renewed, and it has ended as
// it has ended even if that could not be written down.
func (r *Registry) overlay(rec *record) {
	w := r.works.get(rec.Build.ID)
	if w == nil || rec.Build.Status.Ended() {
		return
	}
	rec.Build = w.snapshot()
	switch {
	case rec.Build.Status.Ended():
		rec.Lease = nil
	case rec.Lease != nil && rec.Lease.ID == w.lease.id:
		rec.Lease = w.lease.terms()
	}
}

// unclaimed tells whether nobody can be relying on the image, so that a create may take it over: its first build died with its process, or
// it was created from this very directory in a run that died, maybe before Terraform saved its state.
func (r *Registry) unclaimed(rec *record) bool {
	now := r.store.clock.now()
	if rec.leased(now) {
		return false
	}
	if rec.Image == nil && rec.abandoned(now) {
		return true
	}
	return rec.Workspace == r.config.Options.Workspace && r.store.lifelines().Cut(rec.Creation)
}

// Create implements [imageregistry.Registry]. An image that is [imageregistry.Image.Unclaimed] is taken over, without a build where it
// is ready and holds what is asked for.
func (r *Registry) Create(ctx context.Context, spec imageregistry.Spec) (image imageregistry.Image, build imageregistry.Build, err error) {
	err = r.outwait(ctx, spec.Name, func() (err error) {
		image, build, err = r.create(ctx, spec)
		return err
	})
	return image, build, err
}

func (r *Registry) create(ctx context.Context, spec imageregistry.Spec) (imageregistry.Image, imageregistry.Build, error) {
	repo, spec, err := r.accept(spec)
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	unlock, err := r.locks.lock(ctx, spec.Name)
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	defer unlock()
	rec, _, err := r.store.readRecord(ctx, repo)
	if err == nil {
		r.overlay(rec)
	}
	switch {
	case errors.Is(err, errAbsent):
		err = nil
	case err == nil && !r.unclaimed(rec):
		err = r.taken(rec)
	case err == nil && rec.Build.Status == imageregistry.BuildSucceeded && rec.Request.InputHash == spec.Hash() && rec.holds(spec.Lock):
		image, lookErr := r.look(ctx, repo, rec)
		if lookErr == nil && image.Status == imageregistry.StatusReady {
			if _, ok := r.creations.Inherit(rec.Creation); !ok {
				return image, imageregistry.Build{}, r.taken(rec)
			}
			image.Unclaimed = false
			return image, rec.Build.domain(r.store.clock.now()), nil
		}
		err = lookErr
	}
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	from, err := r.resolveBase(ctx, spec.PythonVersion)
	if err == nil {
		from, spec.Lock, err = r.settle(ctx, from, spec, "")
	}
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	image, build, err := r.beginPrepared(ctx, repo, func(rec *record) (order, error) {
		if rec != nil && !r.unclaimed(rec) {
			return order{}, r.taken(rec)
		}
		return order{spec: spec, base: from, creation: true}, nil
	})
	if err != nil {
		// Nobody would know of a repository that was made for nothing. One in which there is something stays.
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.config.Options.RequestTimeout)
		defer cancel()
		_ = r.removeRepository(limited, repo)
	}
	return image, build, err
}

// taken is the error of a create whose name is somebody else's. While a build runs it is [imageregistry.ErrBusy] as well.
func (r *Registry) taken(rec *record) error {
	if rec.leased(r.store.clock.now()) {
		return fmt.Errorf("%w: %w", imageregistry.ErrAlreadyExists, r.busy(rec))
	}
	return fmt.Errorf("image %q: %w", rec.Name, imageregistry.ErrAlreadyExists)
}

func (r *Registry) busy(rec *record) error {
	return &BusyError{Name: rec.Name, Holder: rec.Lease.Holder, Until: rec.Lease.Expires, Here: r.works.get(rec.Lease.ID) != nil, lease: rec.Lease.ID}
}

// Update implements [imageregistry.Updater].
func (r *Registry) Update(ctx context.Context, spec imageregistry.Spec) (imageregistry.Image, imageregistry.Build, error) {
	repo, spec, err := r.accept(spec)
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	return r.change(ctx, repo, spec.Name, func(*record) (order, error) { return order{spec: spec}, nil })
}

// Rebuild implements [imageregistry.Rebuilder].
func (r *Registry) Rebuild(ctx context.Context, image string, lock imageregistry.Lock) (imageregistry.Image, imageregistry.Build, error) {
	repo, err := r.repository(image)
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	return r.change(ctx, repo, image, func(rec *record) (order, error) {
		_, spec, err := r.accept(rec.spec())
		spec.Lock = lock
		return order{spec: spec, fresh: true}, err
	})
}

// change begins a build of an image that exists.
func (r *Registry) change(
	ctx context.Context, repo name.Repository, name string, decide func(*record) (order, error),
) (image imageregistry.Image, build imageregistry.Build, err error) {
	err = r.outwait(ctx, name, func() (err error) {
		image, build, err = r.tryChange(ctx, repo, name, decide)
		return err
	})
	return image, build, err
}

func (r *Registry) tryChange(ctx context.Context, repo name.Repository, image string, decide func(*record) (order, error)) (imageregistry.Image, imageregistry.Build, error) {
	unlock, err := r.locks.lock(ctx, image)
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	defer unlock()
	// A look first: claims are tags, which must not come to be where there is no image.
	rec, _, err := r.store.readRecord(ctx, repo)
	if errors.Is(err, errAbsent) {
		err = notFound(image)
	}
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	expected, err := decide(rec)
	if err == nil {
		err = r.complete(ctx, rec, &expected)
	}
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	return r.begin(ctx, repo, func(rec *record) (order, error) {
		switch {
		case rec == nil:
			return order{}, notFound(image)
		case rec.leased(r.store.clock.now()):
			return order{}, r.busy(rec)
		}
		decided, err := decide(rec)
		if err == nil && !imageregistry.SameInputs(decided.spec, expected.spec) { // the record changed in between
			err = r.complete(ctx, rec, &decided)
			return decided, err
		}
		decided.base, decided.spec.Lock = expected.base, expected.spec.Lock
		return decided, err
	})
}

// complete finds out what the image of a record is built on and with. What was locked stays, unless the build is to be fresh.
func (r *Registry) complete(ctx context.Context, rec *record, o *order) error {
	from, err := r.resolveBase(ctx, o.spec.PythonVersion)
	if err != nil {
		return err
	}
	keep := rec.Request.Lock.Pylock
	if o.fresh {
		keep = ""
	}
	o.base, o.spec.Lock, err = r.settle(ctx, from, o.spec, keep)
	return err
}

// accept checks a spec and chooses the Python version where it leaves that open.
func (r *Registry) accept(spec imageregistry.Spec) (name.Repository, imageregistry.Spec, error) {
	repo, err := r.repository(spec.Name)
	if err != nil {
		return repo, spec, err
	}
	spec, err = r.config.withPython(spec)
	return repo, spec, err
}

// newBuildID makes the id of a build: whoever has it can find the record.
func newBuildID(image string) string { return image + "/" + strings.ToLower(rand.Text()[:16]) }

// ofBuild is the image that a build id belongs to.
func ofBuild(id string) (image string) { return path.Dir(id) }
