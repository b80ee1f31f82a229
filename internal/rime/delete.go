package rime

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// Delete implements [imageregistry.Registry]. Refusals are explained by their types: [*SystemImageError], [*DeleteRefusedError], [*ChildrenError],
// [*BuildingError].
func (r *Registry) Delete(ctx context.Context, name string) error {
	image, err := r.Get(ctx, name)
	if err != nil {
		return err
	}
	if image.RoleType == imageregistry.RoleTypeSystem {
		return &SystemImageError{Name: name}
	}
	path, err := imagePath(name)
	if err != nil {
		return err
	}
	r.shared.forget()
	defer r.shared.forget()
	_, err = r.client.do(ctx, call{method: http.MethodDelete, path: path})
	switch refused, ok := asAPIError(err); {
	case err == nil, saysNotFound(err):
		return r.awaitGone(ctx, name)
	case ok && refused.ambiguous():
		// The answer got lost, perhaps not the request.
		if _, lookErr := r.Get(ctx, name); !errors.Is(lookErr, imageregistry.ErrNotFound) {
			return err
		}
		r.gone(name)
		return nil
	case hasStatus(err, http.StatusForbidden):
		return &DeleteRefusedError{Name: name, Err: err}
	case hasStatus(err, http.StatusBadRequest, http.StatusConflict):
		return r.whyKept(ctx, image, err)
	}
	return err
}

// whyKept explains a refusal to delete by what the image is like now: the platform's code for it says only that the image's state forbids it.
func (r *Registry) whyKept(ctx context.Context, image imageregistry.Image, refusal error) error {
	if now, err := r.Get(ctx, image.Name); err == nil {
		image = now
	}
	switch {
	case image.Status.Building():
		return &BuildingError{Name: image.Name, Status: image.Status, Err: refusal}
	case len(image.ChildImages) > 0:
		children := make([]string, 0, len(image.ChildImages))
		for _, child := range image.ChildImages {
			children = append(children, child.Name)
		}
		return &ChildrenError{Name: image.Name, Children: children, Err: refusal}
	}
	return refusal
}

// gone forgets what was known about an image.
func (r *Registry) gone(name string) {
	r.builds.Delete(name)
	r.creations.Drop(r.creationOf(name))
}

// awaitGone waits until the image is really gone, so that its name is free when Delete returns.
func (r *Registry) awaitGone(ctx context.Context, name string) error {
	r.gone(name)
	limited, cancel := context.WithTimeout(ctx, r.timing.Gone)
	defer cancel()
	type sight struct {
		status imageregistry.Status
		gone   bool
	}
	look := func(ctx context.Context) (sight, error) {
		image, err := r.Get(ctx, name)
		if errors.Is(err, imageregistry.ErrNotFound) {
			return sight{gone: true}, nil
		}
		return sight{status: image.Status}, err
	}
	gone := func(s sight) (bool, error) { return s.gone, nil }
	last, err := wait.Until(limited, wait.Options{Transient: isTransient}, look, gone, nil)
	switch {
	case err == nil:
		return nil
	case limited.Err() != nil && ctx.Err() == nil && last.status != "":
		return &StillThereError{Name: name, After: r.timing.Gone, Status: last.status}
	}
	return fmt.Errorf("image %q was deleted, but not seen to be gone: %w", name, err)
}
