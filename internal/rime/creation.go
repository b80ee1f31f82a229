package rime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

var _ imageregistry.Claimer = (*Registry)(nil)

// creationOf is the name of the lifeline of an image's create. The platform has no place for a mark of whose an image is, so the name follows from the image and
// from where Terraform runs: another directory takes nothing over.
func (r *Registry) creationOf(image string) string {
	sum := sha256.Sum256([]byte(r.workspace + "\x00" + r.client.endpoint + "\x00" + image))
	return hex.EncodeToString(sum[:16])
}

// inherit takes over an image that a run of Terraform had asked for which died, perhaps before anybody saved its state. It has to ask for the same. One that has
// failed is deleted, and gone is set: a create will do.
func (r *Registry) inherit(ctx context.Context, image imageregistry.Image, spec imageregistry.Spec) (_ imageregistry.Image, build imageregistry.Build, gone bool, err error) {
	taken := fmt.Errorf("image %q: %w", image.Name, imageregistry.ErrAlreadyExists)
	if !asksForSame(image, spec) {
		return imageregistry.Image{}, build, false, taken
	}
	creation := r.creationOf(image.Name)
	buildID, ok := r.creations.Inherit(creation)
	if !ok {
		return imageregistry.Image{}, build, false, taken
	}
	if image.Status.Broken() {
		if err := r.Delete(ctx, image.Name); err != nil {
			r.creations.Fail(creation)
			return imageregistry.Image{}, build, false, err
		}
		return imageregistry.Image{}, build, true, nil
	}
	image.Unclaimed = false
	if buildID != "" {
		r.builds.Store(image.Name, buildID)
		image.BuildID, build.ID = buildID, buildID
	}
	return image, build, false, nil
}

// Claim implements [imageregistry.Claimer].
func (r *Registry) Claim(_ context.Context, image string) error {
	r.creations.Lines.Forget(r.creationOf(image))
	return nil
}

// Settle tells that Terraform has ended in good order, and so has every image that was created here in a state. From then on, nobody takes them over.
//
// An end after a build was told to end is in no good order: whoever presses Ctrl-C twice may get no state.
func (r *Registry) Settle() {
	if !r.interrupted.Load() {
		r.creations.Settle()
	}
}
