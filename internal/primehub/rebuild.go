package primehub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
)

// BuildRef is a build that was asked for, as [Client.AwaitBuild] needs to know it.
type BuildRef struct {
	// Name is that of the image.
	Name string
	// Recipe is what is built.
	Recipe Recipe
	// RequestedAt is when it was asked for, by the platform's clock.
	RequestedAt time.Time
	// SameHash tells that the image had been built from the same before, or may have been: then its address does not prove that the build has ended.
	SameHash bool
	// Begun tells that the build has been seen at work.
	Begun bool
}

// Ref is the build of an image that has just been created.
func (i Image) Ref() BuildRef {
	if i.Build == nil {
		return BuildRef{Name: i.Name}
	}
	return BuildRef{Name: i.Name, Recipe: i.Build.Recipe, RequestedAt: i.Build.RequestedAt}
}

// Resume is the build of an image that was read while it was being built, by somebody who comes back to it.
func (i Image) Resume() BuildRef {
	ref := i.Ref()
	ref.SameHash, ref.Begun = true, i.Build != nil && !i.Build.Phase.Ended()
	return ref
}

// rebuildAttempts is how often a rebuild is asked for that falls into the same second as the build before.
const rebuildAttempts = 3

// Rebuild changes what an image is built from, and builds it anew. The platform notices a rebuild only by a later second than that of the build before
// (CONTRACT §4.4), so it is not asked for in the same second, and once more if it was all the same. Of an image that is not built it would make one that is, for good;
// that is a [*NotBuiltError].
func (c *Client) Rebuild(ctx context.Context, name string, recipe Recipe) (BuildRef, error) {
	before, err := c.quiet(ctx, name, c.timing.Write)
	switch {
	case err != nil:
		return BuildRef{}, err
	case before.Build == nil:
		return BuildRef{}, &NotBuiltError{Name: name}
	}
	ref := BuildRef{Name: name, Recipe: recipe, SameHash: builtFrom(before.URL, recipe.Hash())}
	c.shared.forget()
	defer c.shared.forget()
	if err := httpx.Sleep(ctx, c.timing.Tick-c.written.age(name)); err != nil {
		return BuildRef{}, err
	}
	for range rebuildAttempts {
		answer, err := c.requestRebuild(ctx, before, recipe)
		switch {
		case err != nil:
			return BuildRef{}, err
		case answer.Build == nil:
			return BuildRef{}, c.broken("RebuildImage", "the answer has no imageSpec")
		}
		c.written.note(answer)
		if ref.RequestedAt = answer.Build.RequestedAt; ref.RequestedAt.After(before.Build.RequestedAt) {
			return ref, nil
		}
		if err := httpx.Sleep(ctx, c.timing.Tick); err != nil {
			return ref, err
		}
	}
	return ref, c.broken("RebuildImage", fmt.Sprintf("the platform's clock stands still at %s", ref.RequestedAt.Format(time.RFC3339)))
}

// requestRebuild asks for a rebuild once. An answer that got lost is settled by looking for a later build of the same recipe.
func (c *Client) requestRebuild(ctx context.Context, before Image, recipe Recipe) (Image, error) {
	answer, err := wire.RebuildImage(ctx, c, wire.ImageWhereUniqueInput{Id: before.Name}, recipe.input())
	if err == nil && answer.RebuildImage != nil {
		return decodeState(answer.RebuildImage), nil
	}
	if err == nil {
		return Image{}, c.broken("RebuildImage", "the answer is null")
	}
	failed, ok := asAPIError(err)
	if !ok || failed.Refused() {
		return Image{}, err
	}
	look, window, cancel := c.afterwards(ctx)
	defer cancel()
	for attempt := 0; ; attempt++ {
		now, lookErr := c.Peek(look, before.Name)
		switch {
		case errors.Is(lookErr, ErrNotFound):
			return Image{}, lookErr
		case !failed.lost():
			return Image{}, err
		case lookErr == nil && now.Build != nil && now.Build.RequestedAt.After(before.Build.RequestedAt) && now.Build.Same(recipe):
			return now, nil
		case httpx.Sleep(look, httpx.Backoff(window/40, attempt)) != nil:
			return Image{}, err
		}
	}
}
