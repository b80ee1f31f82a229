package primehub

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
)

// Get reads an image with the groups that may use it, as far as the caller sees them: see [Client.Groups]. It always asks the platform. The error is [ErrNotFound]
// only when the image is certainly not there.
func (c *Client) Get(ctx context.Context, name string) (Image, error) {
	image, err := c.confirmed(ctx, name, func() (*Image, error) {
		answer, err := wire.GetImage(ctx, c, wire.ImageWhereUniqueInput{Id: name})
		if err != nil || answer.Image == nil {
			return nil, err
		}
		image := decodeImage(&answer.Image.Image)
		image.Groups = decodeGroups(answer.Image.Groups)
		return &image, nil
	})
	if err != nil {
		return Image{}, err
	}
	image.Groups, err = c.visible(ctx, image.Groups)
	return image, err
}

// read is Get without the groups, which cost the platform much.
func (c *Client) read(ctx context.Context, name string) (Image, error) {
	return c.confirmed(ctx, name, func() (*Image, error) {
		answer, err := wire.ReadImage(ctx, c, wire.ImageWhereUniqueInput{Id: name})
		if err != nil || answer.Image == nil {
			return nil, err
		}
		image := decodeImage(answer.Image)
		return &image, nil
	})
}

// Peek is [Client.Get] without anything about who may use the image, so that it needs no group of Keycloak's.
func (c *Client) Peek(ctx context.Context, name string) (Image, error) {
	return c.confirmed(ctx, name, func() (*Image, error) {
		answer, err := wire.PollImage(ctx, c, wire.ImageWhereUniqueInput{Id: name})
		if err != nil || answer.Image == nil {
			return nil, err
		}
		image := decodeState(answer.Image)
		return &image, nil
	})
}

// confirmed reads an image. The platform says null both for one that is not there and for anything that went wrong (CONTRACT §2.3), so a
// null counts only when the list of images, which does tell when something went wrong, does not have it either.
func (c *Client) confirmed(ctx context.Context, name string, read func() (*Image, error)) (Image, error) {
	for range 2 {
		image, err := read()
		switch {
		case err != nil:
			return Image{}, err
		case image != nil && image.Name != name:
			return Image{}, c.broken("GetImage", fmt.Sprintf("the answer is about image %q", image.Name))
		case image != nil:
			return *image, nil
		}
		there, err := c.exists(ctx, name)
		switch {
		case err != nil:
			return Image{}, err
		case !there:
			return Image{}, fmt.Errorf("image %q: %w", name, ErrNotFound)
		}
	}
	return Image{}, &APIError{
		Operation: "GetImage", URL: c.origin, Kind: KindUnavailable,
		Message: fmt.Sprintf("the platform lists image %q, but says null when asked for it", name),
	}
}

// exists asks the list whether the image is there.
func (c *Client) exists(ctx context.Context, name string) (bool, error) {
	answer, err := wire.ListImages(ctx, c, wire.QueryImageModeAll, wire.ImageWhereInput{Id: name})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(answer.Images, func(image wire.Image) bool { return image.Id == name }), nil
}

// Filter says which images are wanted. The zero value is all.
type Filter struct {
	// Search is text that the name, display name, description or type contains, whatever its case. PrimeHub's own search works so.
	Search string
	// SystemOnly leaves out images that belong to a group.
	SystemOnly bool
	// Group is the exact name of the group that owns the images. Empty for any.
	Group string
	// Type is empty for any.
	Type Type
	// Ready is nil for any.
	Ready *bool
}

func (f Filter) mode() wire.QueryImageMode {
	switch {
	case f.SystemOnly:
		return wire.QueryImageModeSystemOnly
	case f.Group != "":
		return wire.QueryImageModeGroupOnly
	default:
		return wire.QueryImageModeAll
	}
}

// accepts checks what the platform does not filter, or not as is meant: it looks for a group's name within that of others (CONTRACT §2.4).
func (f Filter) accepts(image Image) bool {
	return (f.Group == "" || f.Group == image.Group) && (!f.SystemOnly || image.Group == "") &&
		(f.Type == "" || f.Type == image.Type) && (f.Ready == nil || *f.Ready == image.Ready)
}

// Images lists images by name, without the groups that may use them, in one question: the platform reads all of them for every page.
func (c *Client) Images(ctx context.Context, filter Filter) ([]Image, error) {
	search := filter.Search
	if strings.Contains(string(TypeUniversal), strings.ToLower(search)) {
		search = "" // the platform knows that type by another word
	}
	answer, err := wire.ListImages(ctx, c, filter.mode(), wire.ImageWhereInput{Search: search})
	if err != nil {
		return nil, err
	}
	images := make([]Image, 0, len(answer.Images))
	for i := range answer.Images {
		image := decodeImage(&answer.Images[i])
		if image.Name != "" && filter.accepts(image) && image.contains(filter.Search) {
			images = append(images, image)
		}
	}
	slices.SortFunc(images, func(a, b Image) int { return strings.Compare(a.Name, b.Name) })
	return images, nil
}

// contains is the platform's search, with the type as users write it.
func (i Image) contains(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc([]string{i.Name, i.DisplayName, i.Description, string(i.Type), i.Type.wire()}, func(field string) bool {
		return strings.Contains(strings.ToLower(field), text)
	})
}
