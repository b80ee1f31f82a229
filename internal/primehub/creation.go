package primehub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// creationOf is the name of the lifeline of an image's create. The platform has no place for a mark of whose an image is: every field that a create may set is shown to users, or
// goes into what is built. So the name follows from the image and from where Terraform runs: another directory takes nothing over.
func (c *Client) creationOf(image string) string {
	sum := sha256.Sum256([]byte(c.workspace + "\x00" + c.endpoint + "\x00" + image))
	return hex.EncodeToString(sum[:16])
}

// inheritGenerated takes over an image that a run of Terraform which died has created from the same display name, for the same group, under a name that it had generated. The
// zero Image is none.
func (c *Client) inheritGenerated(ctx context.Context, spec Spec) (Image, error) {
	answer, err := wire.ListImageStates(ctx, c, wire.ImageWhereInput{Search: spec.DisplayName})
	if err != nil {
		return Image{}, err
	}
	for i := range answer.Images {
		found := decodeState(&answer.Images[i])
		if found.DisplayName != spec.DisplayName || found.Group != spec.Owner.Name || !generatedFrom(spec.DisplayName, found.Name) ||
			!c.creations.Lines.Cut(c.creationOf(found.Name)) {
			continue
		}
		spec.Name = found.Name
		image, gone, err := c.inherit(ctx, spec)
		if errors.Is(err, ErrAlreadyExists) || gone {
			continue // somebody was faster, or it could not be used
		}
		return image, err
	}
	return Image{}, nil
}

// made is what is noted of an image that the platform has certainly created for us. Without it, the run may have died before it came to ask.
const made = "created"

// inherit takes over an image that a run of Terraform had asked for which died, perhaps before anybody saved its state, and makes it what is asked for now: it
// may be half-made, or have been asked for otherwise. Where no update can do that, the image is deleted, and gone is set: a create will do.
func (c *Client) inherit(ctx context.Context, spec Spec) (image Image, gone bool, err error) {
	creation := c.creationOf(spec.Name)
	note, ok := c.creations.Inherit(creation)
	if !ok {
		return Image{}, false, fmt.Errorf("image %q: %w", spec.Name, ErrAlreadyExists)
	}
	image, err = c.settled(ctx, spec)
	switch {
	case err != nil:
	case note != made && !spec.made(image) && !spec.begun(image):
		err = fmt.Errorf("image %q: %w, as something else than was asked for", spec.Name, ErrAlreadyExists)
	case image.Group != spec.Owner.Name || (image.Build == nil) != (spec.Recipe == nil):
		gone, err = true, c.Delete(ctx, spec.Name)
	default:
		image, err = c.adapt(ctx, image, spec)
	}
	if errors.Is(err, ErrNotFound) {
		gone, err = true, nil // somebody else has deleted it
	}
	if err != nil || gone {
		c.creations.Fail(creation)
		return Image{}, gone, err
	}
	c.creations.Note(creation, made)
	return image, false, nil
}

// settled reads an image of a run that died, once it shows how it is built, if it is to be: that is written after the image (CONTRACT §2.5), or never, if the platform died as well.
func (c *Client) settled(ctx context.Context, spec Spec) (Image, error) {
	limited, cancel := context.WithTimeout(ctx, c.timing.Settle)
	defer cancel()
	look := func(ctx context.Context) (Image, error) { return c.Get(ctx, spec.Name) }
	written := func(image Image) (bool, error) { return spec.Recipe == nil || image.Build != nil, nil }
	image, err := wait.Until(limited, wait.Options{Transient: isTransient}, look, written, nil)
	if err != nil && image.Name != "" && limited.Err() != nil && ctx.Err() == nil {
		return image, nil // it never will
	}
	return image, err
}

// adapt makes an image what is asked for. One whose build is under way, or has succeeded, is not built again for that.
func (c *Client) adapt(ctx context.Context, image Image, spec Spec) (Image, error) {
	update := Update{
		DisplayName: spec.DisplayName, Description: spec.Description, Type: spec.Type, Group: spec.Owner.Name,
		Existing: spec.Existing, Connect: spec.groupIDs(),
	}
	if image.Global != spec.Global {
		update.Global = &spec.Global
	}
	if err := c.Update(ctx, spec.Name, update); err != nil {
		return Image{}, err
	}
	if spec.Recipe == nil {
		return c.Get(ctx, spec.Name)
	}
	build := image.Build
	if build.Same(*spec.Recipe) && build.PullSecret == spec.Recipe.PullSecret && !build.CancelRequested && build.Phase != PhaseFailed {
		return image, nil
	}
	ref, err := c.Rebuild(ctx, spec.Name, *spec.Recipe)
	if err != nil {
		return Image{}, err
	}
	image.Build = &Build{Recipe: ref.Recipe, RequestedAt: ref.RequestedAt}
	return image, nil
}

// generatedFrom tells whether [GenerateName] can have made the name from the display name.
func generatedFrom(displayName, name string) bool {
	stem := stemOf(displayName)
	return strings.HasPrefix(name, stem+"-") && len(name) == len(stem)+1+suffixLength
}

// Claim tells that a state has the image after all, so that nobody takes it over.
func (c *Client) Claim(name string) { c.creations.Lines.Forget(c.creationOf(name)) }

// Settle tells that Terraform has ended in good order, and so has every image that was created here in a state. From then on, nobody takes them over.
//
// An end after a build was told to end is in no good order: whoever presses Ctrl-C twice may get no state.
func (c *Client) Settle() {
	if !c.interrupted.Load() {
		c.creations.Settle()
	}
}
