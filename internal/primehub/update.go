package primehub

import (
	"context"
	"errors"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
)

// Update is what an image is to be from now on. It is always complete: the platform clears what it is not told (CONTRACT §2.6). What an image is built from
// is changed by [Client.Rebuild].
type Update struct {
	DisplayName string
	Description string
	Type        Type
	// Group is the name of the group that owns the image: group administrators may change images only by naming their own. Empty makes it a system image.
	Group string
	// Existing is where the image is. Nil for an image that is built, whose address and pull secret the platform sets itself. An address cannot be taken away.
	Existing *Existing
	// Global lets every group use the image. Nil leaves that as it is.
	Global *bool
	// Connect and Disconnect are the ids of groups that are to use the image, or no more. Others stay as they are.
	Connect, Disconnect []string
}

// Update changes an image, first what it is, then who may use it. An error in between is an [*IncompleteError]; repeating an update is safe. It waits for a
// rebuild that was just asked for to be written, which would else undo the update (CONTRACT §2.8).
func (c *Client) Update(ctx context.Context, name string, update Update) error {
	current, err := c.quiet(ctx, name, c.timing.Write)
	if err != nil {
		return err
	}
	input := wire.ImageUpdateInput{
		DisplayName: update.DisplayName, Description: update.Description, Type: update.Type.wire(), Global: update.Global,
		UseImagePullSecret: current.PullSecret, // what a build has put there stays
	}
	if update.Group != "" {
		input.GroupName = &update.Group
	}
	if e := update.Existing; e != nil {
		input.Url, input.UrlForGpu, input.UseImagePullSecret = e.URL, e.URLForGPU, e.PullSecret
	}
	if len(update.Connect)+len(update.Disconnect) > 0 {
		input.Groups = &wire.GroupUpdateManyInput{Connect: connections(update.Connect), Disconnect: connections(update.Disconnect)}
	}
	c.shared.forget()
	defer c.shared.forget()
	_, err = wire.UpdateImage(ctx, c, wire.ImageWhereUniqueInput{Id: name}, input)
	if err == nil {
		return nil
	}
	return c.afterFailedUpdate(ctx, name, update, err)
}

// afterFailedUpdate finds out how far an update came that ended in an error.
func (c *Client) afterFailedUpdate(ctx context.Context, name string, update Update, failure error) error {
	failed, ok := asAPIError(failure)
	if !ok || failed.Refused() {
		return failure
	}
	look, _, cancel := c.afterwards(ctx)
	defer cancel()
	now, err := c.Get(look, name)
	switch {
	case errors.Is(err, ErrNotFound):
		return err
	case err != nil || !update.made(now):
		return failure
	case update.complete(now):
		return nil
	}
	return &IncompleteError{Name: name, RoleMissing: failed.Kind == KindNoRole, Err: failure}
}

// made tells whether the image is what the update makes it.
func (u Update) made(image Image) bool {
	same := image.DisplayName == u.DisplayName && image.Description == u.Description && image.Type == u.Type && image.Group == u.Group
	if u.Existing == nil {
		return same
	}
	return same && (u.Existing.URL == "" || image.URL == u.Existing.URL) && image.PullSecret == u.Existing.PullSecret &&
		(u.Type != TypeUniversal || u.Existing.URLForGPU == "" || image.URLForGPU == u.Existing.URLForGPU)
}

// complete tells whether those may use the image, and only those, of whom the update speaks.
func (u Update) complete(image Image) bool {
	may := make(map[string]bool, len(image.Groups))
	for _, group := range image.Groups {
		may[group.ID] = true
	}
	for _, id := range u.Connect {
		if !may[id] {
			return false
		}
	}
	for _, id := range u.Disconnect {
		if may[id] {
			return false
		}
	}
	return u.Global == nil || *u.Global == image.Global
}
