package embedded

import (
	"context"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

var _ imageregistry.Claimer = (*Registry)(nil)

// Settle tells that Terraform has ended in good order, and so has every image that was created here in a state. From then on, nobody takes them over.
//
// An end in the midst of a build, or after one was made to end, is in no good order: whoever presses Ctrl-C twice may get no state.
func (r *Registry) Settle() {
	if !r.works.interrupted() {
		r.creations.Settle()
	}
}

// Claim implements [imageregistry.Claimer].
func (r *Registry) Claim(ctx context.Context, image string) error {
	repo, err := r.repository(image)
	if err != nil {
		return err
	}
	rec, _, err := r.store.readRecord(ctx, repo)
	if err != nil {
		return err
	}
	r.store.lifelines().Forget(rec.Creation)
	return nil
}
