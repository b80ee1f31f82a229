package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/lifeline"
)

// errAbsent is a manifest or a repository that the registry itself says it does not have.
var errAbsent = errors.New("the registry does not have it")

// codeNotFound is Harbor's word for what others call MANIFEST_UNKNOWN and NAME_UNKNOWN.
const codeNotFound transport.ErrorCode = "NOT_FOUND"

// store speaks with OCI registries: mostly with the one that holds the images.
type store struct {
	registry name.Registry
	version  string
	clock    *clock
	options  Options
	timing   Timing
	client   []remote.Option
	puller   *remote.Puller
	pusher   atomic.Pointer[remote.Pusher]
	// direct does without the memory of earlier pings.
	direct http.RoundTripper
	// keepsAll is set once the registry has refused a delete, to save asking again where it does not matter.
	keepsAll atomic.Bool
	// keepsNames is set once the registry has refused to delete a tag by its name.
	keepsNames atomic.Bool
	// lowered are the tags of claims that this process is done with.
	lowered sync.Map
}

// newStore contacts nothing.
func newStore(c Config, registry name.Registry) (*store, error) {
	s := &store{registry: registry, version: c.Version, clock: &clock{}, options: c.Options, timing: c.Timing}
	cached, direct := newTransport(c.Transport, c, s.clock, registry.RegistryStr())
	s.direct = direct
	s.client = []remote.Option{
		remote.WithTransport(cached),
		remote.WithAuthFromKeychain(c.Keychain),
		remote.WithUserAgent(userAgent(c.Version)),
		// Retries are ours: they know Retry-After, the context and what may be repeated.
		remote.WithRetryPredicate(func(error) bool { return false }),
		remote.WithRetryStatusCodes(),
	}
	puller, err := remote.NewPuller(s.client...)
	if err != nil {
		return nil, err
	}
	s.puller = puller
	return s, s.renewPusher()
}

func userAgent(version string) string { return "terraform-provider-rime/" + version }

// renewPusher forgets which blobs have been pushed.
func (s *store) renewPusher() error {
	pusher, err := remote.NewPusher(s.client...)
	if err == nil {
		s.pusher.Store(pusher)
	}
	return err
}

// lifelines are those of the processes of this machine.
func (s *store) lifelines() lifeline.Lines { return lifeline.Lines{Directory: s.options.Lifelines} }

// call runs one operation against a registry, with a deadline of its own, and gives its error a type.
func (s *store) call(ctx context.Context, method, reference string, operation func(context.Context) error) error {
	var err error
	for range 3 {
		limited, cancel := context.WithTimeout(ctx, s.options.RequestTimeout)
		err = operation(limited)
		expired := limited.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil {
			return nil
		}
		if expired {
			err = &httpx.TimeoutError{After: s.options.RequestTimeout}
		}
		// go-containerregistry logs in once per repository, on the context of whoever came first. Their cancellation is not ours.
		if !errors.Is(err, context.Canceled) || ctx.Err() != nil {
			break
		}
	}
	err = apiError(method, reference, err)
	if isAbsence(err) {
		return fmt.Errorf("%w: %w", errAbsent, err)
	}
	return err
}

// isAbsence tells whether the error is a registry's own word that it does not have the manifest or the repository. The same words about /v2/ or a token are
// those of something that is no registry.
func isAbsence(err error) bool {
	answer, ok := errors.AsType[*APIError](err)
	return ok && answer.StatusCode == http.StatusNotFound && (strings.Contains(answer.path, "/manifests/") || strings.HasSuffix(answer.path, "/tags/list")) &&
		answer.has(transport.ManifestUnknownErrorCode, transport.NameUnknownErrorCode, codeNotFound)
}

// get returns the manifest of that reference, or errAbsent.
func (s *store) get(ctx context.Context, ref name.Reference) (*remote.Descriptor, error) {
	var found *remote.Descriptor
	err := s.call(ctx, http.MethodGet, ref.Name(), func(ctx context.Context) error {
		descriptor, err := s.puller.Get(ctx, ref)
		if err != nil {
			return err
		}
		if !descriptor.MediaType.IsImage() && !descriptor.MediaType.IsIndex() || !json.Valid(descriptor.Manifest) {
			return fmt.Errorf("the answer of type %q is no manifest, or cut short", descriptor.MediaType)
		}
		found = descriptor
		return nil
	})
	return found, err
}

// head returns the digest that the reference stands for, as HEAD tells it. An error says nothing about whether it exists.
func (s *store) head(ctx context.Context, ref name.Reference) (string, error) {
	var digest string
	err := s.call(ctx, http.MethodHead, ref.Name(), func(ctx context.Context) error {
		descriptor, err := s.puller.Head(ctx, ref)
		if err == nil {
			digest = descriptor.Digest.String()
		}
		return err
	})
	return digest, err
}

// resolve returns the digest that the reference stands for, or errAbsent. It asks with HEAD, which costs registries least; since that has no words to
// confirm an absence with, and not every registry gives all headers, GET has the last word.
func (s *store) resolve(ctx context.Context, ref name.Reference) (string, error) {
	digest, err := s.head(ctx, ref)
	if err == nil || !worthGet(err) {
		return digest, err
	}
	manifest, err := s.get(ctx, ref)
	if err != nil {
		return "", err
	}
	return manifest.Digest.String(), nil
}

// worthGet tells whether a GET may say more than the HEAD that ended like this: an absence has to be confirmed, and not every registry answers HEAD as it should.
func worthGet(err error) bool {
	answer, ok := errors.AsType[*APIError](err)
	if !ok {
		return false
	}
	switch answer.StatusCode {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return true
	case 0:
		_, unanswered := errors.AsType[*url.Error](err)
		_, late := errors.AsType[*httpx.TimeoutError](err)
		return !unanswered && !late
	default:
		return false
	}
}

// confirmRegistry returns an error unless a registry answers at the address, right now.
func (s *store) confirmRegistry(ctx context.Context) error {
	return s.call(ctx, http.MethodGet, s.registry.Scheme()+"://"+s.registry.RegistryStr()+"/v2/", func(ctx context.Context) error {
		_, err := transport.Ping(ctx, s.registry, s.direct)
		return err
	})
}

// tags lists the tags of a repository; a repository that does not exist has none.
func (s *store) tags(ctx context.Context, repo name.Repository) ([]string, error) {
	var tags []string
	err := s.call(ctx, http.MethodGet, repo.Name()+"/tags/list", func(ctx context.Context) (err error) {
		tags, err = s.puller.List(ctx, repo)
		return err
	})
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	return tags, err
}

// put publishes a manifest of ours, with the one blob that all of them refer to.
func (s *store) put(ctx context.Context, tag name.Tag, a artifact) error {
	for attempt := 0; ; attempt++ {
		err := s.tryPut(ctx, tag, a)
		answer, ok := errors.AsType[*APIError](err)
		if !ok || attempt >= max(1, s.options.Retries) {
			return err
		}
		switch {
		case answer.has(transport.ManifestBlobUnknownErrorCode, transport.BlobUnknownErrorCode, transport.NameUnknownErrorCode):
			// The repository has been removed or cleaned up since the blob was pushed.
			if err := s.renewPusher(); err != nil {
				return err
			}
		case answer.has(transport.DigestInvalidErrorCode):
			// Docker's registry reads what it is about to refer to while another client pushes the same, and finds it half written.
			if err := httpx.Sleep(ctx, httpx.Backoff(s.options.RetryDelay, attempt)); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

func (s *store) tryPut(ctx context.Context, tag name.Tag, a artifact) error {
	pusher := s.pusher.Load()
	for attempt := 0; ; attempt++ {
		err := s.call(ctx, http.MethodPost, tag.Repository.Name()+"/blobs/uploads/", func(ctx context.Context) error {
			return pusher.Upload(ctx, tag.Repository, emptyLayer)
		})
		if err == nil {
			break
		}
		// The transport repeats no part of an upload after a failure; as a whole it may be repeated.
		if answer, ok := errors.AsType[*APIError](err); !ok || !answer.Transient() || attempt >= s.options.Retries {
			return err
		}
		if err := httpx.Sleep(ctx, httpx.Backoff(s.options.RetryDelay, attempt)); err != nil {
			return err
		}
	}
	return s.call(ctx, http.MethodPut, tag.Name(), func(ctx context.Context) error {
		return pusher.Put(ctx, tag, a)
	})
}

// children are the digests of the manifests that an index holds; an image has none.
func children(manifest *remote.Descriptor) ([]string, error) {
	if !manifest.MediaType.IsIndex() {
		return nil, nil
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(manifest.Manifest))
	if err != nil {
		return nil, err
	}
	digests := make([]string, 0, len(index.Manifests))
	for _, child := range index.Manifests {
		digests = append(digests, child.Digest.String())
	}
	return digests, nil
}
