package primehub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
)

// Spec is an image that is to be created.
type Spec struct {
	// Name must be one that [CheckName] takes; see [GenerateName].
	Name string
	// Generated tells that the name was made for this attempt, so that another made from the same display name will do.
	Generated   bool
	DisplayName string
	Description string
	Type        Type
	// Owner is the group the image belongs to, which may use it, too. The zero value makes a system image.
	Owner GroupRef
	// Global lets every group use the image. Only administrators may do that.
	Global bool
	// Groups are further groups that may use it.
	Groups []GroupRef
	// Existing is where the image is, for one that is only added. Exactly one of Existing and Recipe is set.
	Existing *Existing
	// Recipe is what the image is built from.
	Recipe *Recipe
}

// Existing is an image that exists already somewhere.
type Existing struct {
	URL string
	// URLForGPU counts for universal images only. Empty is the same as URL.
	URLForGPU string
	// PullSecret is the id of the secret that pulls the image. Empty for none.
	PullSecret string
}

// groupIDs are the ids of all groups that are to be connected, each once.
func (s Spec) groupIDs() []string {
	var ids []string
	for _, group := range append([]GroupRef{s.Owner}, s.Groups...) {
		if group.ID != "" && !slices.Contains(ids, group.ID) {
			ids = append(ids, group.ID)
		}
	}
	return ids
}

func (s Spec) input() wire.ImageCreateInput {
	input := wire.ImageCreateInput{
		Name: s.Name, DisplayName: s.DisplayName, Description: s.Description, Type: s.Type.wire(), GroupName: s.Owner.Name, Global: s.Global,
	}
	if e := s.Existing; e != nil {
		input.Url, input.UrlForGpu, input.UseImagePullSecret = e.URL, e.URLForGPU, e.PullSecret
	}
	if s.Recipe != nil {
		recipe := s.Recipe.input()
		input.ImageSpec = &recipe
	}
	if ids := s.groupIDs(); len(ids) > 0 {
		input.Groups = &wire.GroupCreateManyInput{Connect: connections(ids)}
	}
	return input
}

func connections(ids []string) []wire.GroupWhereUniqueInput {
	all := make([]wire.GroupWhereUniqueInput, 0, len(ids))
	for _, id := range ids {
		all = append(all, wire.GroupWhereUniqueInput{Id: id})
	}
	return all
}

// input is always complete: what is left out would be kept (CONTRACT §2.8), and null is not a list.
func (r Recipe) input() wire.ImageSpecUpdateInput {
	list := func(tokens []string) []string { return append([]string{}, tokens...) }
	return wire.ImageSpecUpdateInput{BaseImage: r.BaseImage, PullSecret: r.PullSecret, Packages: wire.ImageSpecPackagesInput{
		Apt: list(r.Packages.Apt), Conda: list(r.Packages.Conda), Pip: list(r.Packages.Pip),
	}}
}

// Create creates an image, and begins to build it if there is a recipe: wait with [Client.AwaitBuild].
//
// It looks first, and sends the request once; an image that was created here by a run of Terraform which died is taken over instead, see [Client.Settle]. After an error it looks again: the image was not there before, so one that is there now and is what was asked for is
// the one that was just created. With a lost answer that is success; with an error of the platform it is an [*IncompleteError], which comes together with the
// image. Other errors of note: [ErrAlreadyExists], [*OrphanedRoleError], [*FailedCreateError], [*NameError]. The image comes without who may use it.
func (c *Client) Create(ctx context.Context, spec Spec) (Image, error) {
	if err := CheckName(spec.Name, spec.Recipe != nil); err != nil {
		return Image{}, err
	}
	if spec.Generated {
		if image, err := c.inheritGenerated(ctx, spec); err != nil || image.Name != "" {
			return image, err
		}
	}
	switch there, err := c.exists(ctx, spec.Name); {
	case err != nil:
		return Image{}, err
	case there:
		if image, gone, err := c.inherit(ctx, spec); !gone || err != nil {
			return image, err
		}
	}
	creation := c.creationOf(spec.Name)
	begun := c.creations.Begin(creation)
	image, err := c.create(ctx, spec)
	switch failed, ok := asAPIError(err); {
	case !begun: // not ours to tell
	case image.Name != "":
		c.creations.Note(creation, made)
	case ok && failed.lost() && !errors.Is(err, ErrAlreadyExists):
		c.creations.Fail(creation) // it may come to be there after all
	default:
		c.creations.Drop(creation)
	}
	return image, err
}

// create asks for an image that was not there.
func (c *Client) create(ctx context.Context, spec Spec) (Image, error) {
	c.shared.forget()
	defer c.shared.forget()
	answer, err := wire.CreateImage(ctx, c, spec.input())
	if err != nil {
		return c.afterFailedCreate(ctx, spec, err)
	}
	image := decodeState(&answer.CreateImage)
	if image.Name != spec.Name {
		return Image{}, c.broken("CreateImage", fmt.Sprintf("the answer is about image %q", image.Name))
	}
	c.written.note(image)
	return image, nil
}

// afterFailedCreate finds out what became of a create that ended in an error.
func (c *Client) afterFailedCreate(ctx context.Context, spec Spec, failure error) (Image, error) {
	failed, ok := asAPIError(failure)
	if !ok || failed.Refused() {
		return Image{}, failure
	}
	lost := failed.lost()
	image, err := c.settle(ctx, spec.Name, lost)
	switch {
	case errors.Is(err, ErrNotFound) && failed.Kind == KindConflict:
		return Image{}, &OrphanedRoleError{Name: spec.Name, Err: failure}
	case errors.Is(err, ErrNotFound) && !lost:
		return Image{}, &FailedCreateError{Name: spec.Name, Err: failure}
	case err != nil:
		return Image{}, failure
	case failed.Kind == KindConflict, !spec.made(image):
		return Image{}, fmt.Errorf("image %q: %w: %w", spec.Name, ErrAlreadyExists, failure)
	case lost && spec.complete(image):
		return image, nil
	}
	return image, &IncompleteError{Name: spec.Name, Err: failure}
}

// named tells whether an image is called and described as the spec asks for.
func (s Spec) named(image Image) bool {
	return image.DisplayName == cmp.Or(s.DisplayName, s.Name) && image.Description == s.Description && image.Type == s.Type && image.Group == s.Owner.Name
}

// begun tells whether an image can be what is left of a create of the spec whose recipe was never written (CONTRACT §2.5).
func (s Spec) begun(image Image) bool {
	return s.named(image) && s.Recipe != nil && image.Build == nil && image.URL == ""
}

// made tells whether an image can be the one that the spec asked for.
func (s Spec) made(image Image) bool {
	same := s.named(image)
	switch {
	case s.Recipe != nil:
		return same && image.Build != nil && image.Build.Same(*s.Recipe)
	case s.Existing != nil:
		return same && image.URL == s.Existing.URL
	}
	return same
}

// complete tells whether all who are to use the image may.
func (s Spec) complete(image Image) bool {
	mapped := !slices.ContainsFunc(s.groupIDs(), func(id string) bool {
		return !slices.ContainsFunc(image.Groups, func(group GroupRef) bool { return group.ID == id })
	})
	return mapped && image.Global == s.Global
}

// settle looks for an image that may have been created, again and again where the request may still be under way.
func (c *Client) settle(ctx context.Context, name string, lost bool) (Image, error) {
	look, window, cancel := c.afterwards(ctx)
	defer cancel()
	for attempt := 0; ; attempt++ {
		image, err := c.Get(look, name)
		if !lost || !errors.Is(err, ErrNotFound) || httpx.Sleep(look, httpx.Backoff(window/40, attempt)) != nil {
			return image, err
		}
	}
}

// afterwards is the time for finding out what became of a request. There is some even for a caller who is gone: what nobody remembers would be in the way of the
// next apply.
func (c *Client) afterwards(ctx context.Context) (look context.Context, window time.Duration, cancel context.CancelFunc) {
	window = c.timing.Settle
	if ctx.Err() != nil {
		window = c.timing.Interrupted
	}
	look, cancel = context.WithTimeout(context.WithoutCancel(ctx), window)
	return look, window, cancel
}
