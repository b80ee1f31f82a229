package primehub

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

const (
	// fewReads is how many reads are made one by one before a list is read.
	fewReads = 3
	// listLifetime is how old a list may be when something of it is handed out: as long as the refresh of some thousand images takes on a slow machine.
	listLifetime = 5 * time.Minute
)

// Refresh is [Client.Get] for a caller who reads many images, one by one, as Terraform does. From the fourth read on they share one list of all images, and one of who
// may use them, so that a thousand images are refreshed with a handful of questions. An image that is not listed is asked for by itself, so that only the platform's
// own word makes it missing.
//
// Groups are read only where withGroups says so: the platform asks Keycloak once for each group it has.
//
// Staleness: an image may be as it was up to five minutes before the call, and is handed out once. That is sound for a refresh, as Terraform reads the resources of a plan in
// no certain order over just that span of time. What this process writes ends the list, before and after.
func (c *Client) Refresh(ctx context.Context, name string, withGroups bool) (Image, error) {
	if list := c.shared.join(); list != nil {
		if image, ok := list.take(ctx, c, name, withGroups); ok {
			return image, nil
		}
	}
	if withGroups {
		return c.Get(ctx, name)
	}
	return c.read(ctx, name)
}

// shared is the list that reads have in common at the moment.
type shared struct {
	mu    sync.Mutex
	list  *list
	asked int
}

// forget ends the list: something is about to change, or has.
func (s *shared) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.asked = nil, 0
}

// join counts a read, and returns the list to look into. It is nil for the first few reads.
func (s *shared) join() *list {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil || time.Since(s.list.began) > listLifetime {
		s.list, s.asked = &list{began: time.Now()}, 0
	}
	if s.asked++; s.asked <= fewReads {
		return nil
	}
	return s.list
}

// list is all images, and who may use them, each read once by the first who needs it.
type list struct {
	began  time.Time
	images shelf[map[string]Image]
	groups shelf[map[string][]GroupRef]

	mu    sync.Mutex
	taken map[string]bool
}

// take returns the image if it is listed and has not been handed out before.
func (l *list) take(ctx context.Context, c *Client, name string, withGroups bool) (Image, bool) {
	images, ok := l.images.get(ctx, c.imagesByName)
	if !ok {
		return Image{}, false
	}
	image, ok := images[name]
	if !ok {
		return Image{}, false
	}
	if withGroups {
		groups, ok := l.groups.get(ctx, c.groupsByImage)
		if !ok {
			return Image{}, false
		}
		image.Groups = append([]GroupRef{}, groups[name]...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken[name] {
		return Image{}, false
	}
	if l.taken == nil {
		l.taken = map[string]bool{}
	}
	l.taken[name] = true
	return image, true
}

// everyone is the name of Keycloak's group behind Global (CONTRACT §3.1). It is no group that an image is connected to.
const everyone = "everyone"

// imagesByName lists all images. Who is global it learns from the images of everyone, as the platform would ask Keycloak once for each image; only where that
// cannot be learnt, the list says it.
func (c *Client) imagesByName(ctx context.Context) (map[string]Image, error) {
	global, known := c.globalImages(ctx)
	if !known {
		images, err := c.Images(ctx, Filter{})
		return byName(images), err
	}
	answer, err := wire.ListImageStates(ctx, c, wire.ImageWhereInput{})
	if err != nil {
		return nil, err
	}
	images := make([]Image, 0, len(answer.Images))
	for i := range answer.Images {
		image := decodeState(&answer.Images[i])
		image.Global = global[image.Name]
		images = append(images, image)
	}
	return byName(images), nil
}

func byName(images []Image) map[string]Image {
	named := make(map[string]Image, len(images))
	for _, image := range images {
		named[image.Name] = image
	}
	return named
}

// globalImages are the images of everyone. They are known to whoever belongs to that group, as all users should.
func (c *Client) globalImages(ctx context.Context) (global map[string]bool, known bool) {
	mine, err := wire.MapMyGroups(ctx, c)
	if err != nil || mine.Me == nil {
		return nil, false
	}
	i := slices.IndexFunc(mine.Me.Groups, func(group wire.GroupWithImages) bool { return group.Name == everyone })
	if i < 0 {
		return nil, false // the platform says so, too, when it could not find out (CONTRACT §2.4)
	}
	global = make(map[string]bool, len(mine.Me.Groups[i].Images))
	for _, image := range mine.Me.Groups[i].Images {
		global[image.Id] = true
	}
	return global, true
}

// groupsByImage asks the groups for their images, which costs the platform one call for each group, and not for each group and image.
func (c *Client) groupsByImage(ctx context.Context) (map[string][]GroupRef, error) {
	groups, err := c.mappedGroups(ctx)
	if err != nil {
		return nil, err
	}
	byImage := map[string][]GroupRef{}
	for _, group := range groups {
		if group.Name == everyone {
			continue
		}
		for _, image := range group.Images {
			byImage[image.Id] = append(byImage[image.Id], GroupRef{ID: group.Id, Name: group.Name})
		}
	}
	for _, refs := range byImage {
		sortGroups(refs)
	}
	return byImage, nil
}

// mappedGroups are all groups for an administrator, and the caller's own for others.
func (c *Client) mappedGroups(ctx context.Context) ([]wire.GroupWithImages, error) {
	account, err := c.Me(ctx)
	if err != nil {
		return nil, err
	}
	if account.Admin {
		answer, err := wire.MapGroups(ctx, c)
		if err != nil {
			return nil, err
		}
		return answer.Groups, nil
	}
	answer, err := wire.MapMyGroups(ctx, c)
	if err != nil {
		return nil, err
	}
	if answer.Me == nil || len(answer.Me.Groups) == 0 {
		return nil, c.broken("MapMyGroups", "the platform tells no groups of the caller")
	}
	return answer.Me.Groups, nil
}

// shelf is something that the first who needs it reads, for all others who wait for it.
type shelf[T any] struct {
	mu      sync.Mutex
	reading chan struct{}
	value   T
	ok, end bool
}

// get returns what was read. It is not ok when reading failed, or ctx ended first: then the caller asks by itself. A read that its reader was called away from is begun anew by
// another.
func (s *shelf[T]) get(ctx context.Context, read func(context.Context) (T, error)) (value T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ctx.Err() == nil {
		switch {
		case s.end:
			return s.value, s.ok
		case s.reading != nil:
			wait.Unlocked(ctx, &s.mu, s.reading)
		default:
			s.fill(ctx, read)
		}
	}
	return value, false
}

// fill reads. It is called with the lock held, and gives it up meanwhile.
func (s *shelf[T]) fill(ctx context.Context, read func(context.Context) (T, error)) {
	done := make(chan struct{})
	s.reading = done
	s.mu.Unlock()
	value, err := read(ctx)
	s.mu.Lock()
	s.reading = nil
	close(done)
	if err != nil && ctx.Err() != nil {
		return
	}
	s.value, s.ok, s.end = value, err == nil, true
}
