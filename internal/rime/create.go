package rime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// settlePause is the first pause between two looks for an image whose create may have got through.
const settlePause = 250 * time.Millisecond

// Create implements [imageregistry.Registry].
//
// It looks first, and sends the request once; again only when the platform refused it for a name that it has yet to free. When the answer gets lost, looking again tells what became of it: the image was not there before, so one that is
// there now and asks for the same is the one that was just created. The build is not known then, as the platform tells its id only in that answer.
func (r *Registry) Create(ctx context.Context, spec imageregistry.Spec) (imageregistry.Image, imageregistry.Build, error) {
	if !imageName.MatchString(spec.Name) {
		return imageregistry.Image{}, imageregistry.Build{}, &NameError{Name: spec.Name}
	}
	switch found, err := r.Get(ctx, spec.Name); {
	case err == nil && found.Unclaimed:
		image, build, gone, err := r.inherit(ctx, found, spec)
		if !gone || err != nil {
			return image, build, err
		}
	case err == nil:
		return imageregistry.Image{}, imageregistry.Build{}, fmt.Errorf("image %q: %w", spec.Name, imageregistry.ErrAlreadyExists)
	case !errors.Is(err, imageregistry.ErrNotFound):
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	creation := r.creationOf(spec.Name)
	begun := r.creations.Begin(creation)
	image, build, err := r.create(ctx, spec)
	switch failed, ok := asAPIError(err); {
	case !begun: // not ours to tell
	case err == nil:
		r.creations.Note(creation, build.ID)
	case ok && failed.ambiguous() && !errors.Is(err, imageregistry.ErrAlreadyExists):
		r.creations.Fail(creation) // it may come to be there after all
	default:
		r.creations.Drop(creation)
	}
	return image, build, err
}

// create asks for an image that was not there.
func (r *Registry) create(ctx context.Context, spec imageregistry.Spec) (imageregistry.Image, imageregistry.Build, error) {
	r.shared.forget()
	defer r.shared.forget()
	image, build, err := r.post(ctx, spec)
	for attempt := 0; saysExists(err) && r.isGone(ctx, spec.Name, attempt); attempt++ {
		image, build, err = r.post(ctx, spec)
	}
	switch failed, ok := asAPIError(err); {
	case saysExists(err):
		return imageregistry.Image{}, imageregistry.Build{}, fmt.Errorf("image %q: %w: %w", spec.Name, imageregistry.ErrAlreadyExists, err)
	case hasStatus(err, http.StatusNotFound, http.StatusNotImplemented):
		return imageregistry.Image{}, imageregistry.Build{}, &NotEnabledError{Endpoint: r.client.endpoint, Err: err}
	case ok && failed.ambiguous():
		image, err = r.settle(ctx, spec, err)
		return image, imageregistry.Build{}, err
	}
	return image, build, err
}

// nameLag is how often a name is asked for again that is taken by an image which is gone: some seconds in all, see [httpx.Backoff].
const nameLag = 6

// isGone tells whether a name that the platform calls taken is that of an image which is not there any more, and so will be free in a moment
// (CONTRACT §2.5). It waits a little before it says so.
func (r *Registry) isGone(ctx context.Context, name string, attempt int) bool {
	if attempt >= nameLag {
		return false
	}
	_, err := r.Get(ctx, name)
	return errors.Is(err, imageregistry.ErrNotFound) && httpx.Sleep(ctx, httpx.Backoff(settlePause, attempt)) == nil
}

// post sends the request.
func (r *Registry) post(ctx context.Context, spec imageregistry.Spec) (imageregistry.Image, imageregistry.Build, error) {
	got, err := r.client.do(ctx, call{method: http.MethodPost, path: imagesPath, body: newCreateRequest(spec)})
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, err
	}
	r.enabled.Store(true)
	build := imageregistry.Build{}
	if job := got.object.object("job"); job != nil { // the API's description does not promise one
		build = decodeBuild(job, got.at)
	}
	if build.ID != "" {
		r.builds.Store(spec.Name, build.ID)
	}
	image, err := r.image(got.object.object("image"))
	if err == nil && image.Name != spec.Name {
		err = fmt.Errorf("the answer is about image %q", image.Name)
	}
	if err != nil {
		return imageregistry.Image{}, imageregistry.Build{}, r.client.nonsense(http.MethodPost, imagesPath, err)
	}
	return image, build, nil
}

// settle finds out whether a create that ended in lost did what it was asked. It does so even for a caller who is gone: an image that nobody remembers would be in
// the way of the next apply. A platform that cannot answer for a while is asked again.
func (r *Registry) settle(ctx context.Context, spec imageregistry.Spec, lost error) (imageregistry.Image, error) {
	look, cancel := httpx.Outlive(ctx, r.timing.Outage, r.timing.Interrupted)
	defer cancel()
	var absent time.Time // since when the platform has said that there is no such image
	for attempt := 0; ; attempt++ {
		image, err := r.Get(look, spec.Name)
		answer, answered := asAPIError(err)
		switch {
		case err == nil:
			return r.claim(image, spec, lost)
		case errors.Is(err, imageregistry.ErrNotFound) && absent.IsZero():
			absent = time.Now()
		case errors.Is(err, imageregistry.ErrNotFound) && time.Since(absent) >= r.timing.Settle:
			return imageregistry.Image{}, lost
		case !errors.Is(err, imageregistry.ErrNotFound) && (!answered || !answer.Transient()):
			return imageregistry.Image{}, unsettled(lost, err)
		}
		if httpx.Sleep(look, httpx.Backoff(settlePause, attempt)) != nil {
			return imageregistry.Image{}, unsettled(lost, err)
		}
	}
}

// unsettled is a create of which nobody could find out whether it did what it was asked.
func unsettled(lost, look error) error {
	if errors.Is(look, imageregistry.ErrNotFound) {
		return lost
	}
	return &UnsettledError{Lost: lost, Look: look}
}

// claim takes an image for the one whose create ended in lost, if it asks for the same.
func (r *Registry) claim(image imageregistry.Image, spec imageregistry.Spec, lost error) (imageregistry.Image, error) {
	if !asksForSame(image, spec) {
		return imageregistry.Image{}, fmt.Errorf("image %q: %w, with other inputs than were asked for: %w", spec.Name, imageregistry.ErrAlreadyExists, lost)
	}
	return image, nil
}

// asksForSame tells whether an image was asked for like this.
func asksForSame(image imageregistry.Image, spec imageregistry.Spec) bool {
	if spec.PythonVersion == "" {
		spec.PythonVersion = image.PythonVersion // the platform chose it
	}
	if image.PythonVersion == "" {
		image.PythonVersion = spec.PythonVersion // the platform does not tell it before the build
	}
	return imageregistry.SameInputs(image.Spec(), spec)
}
