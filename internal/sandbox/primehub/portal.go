package primehub

import (
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// PortalForm is what a person types into the page of a group's image (internal/primehub/CONTRACT.md §5, §6).
type PortalForm struct {
	DisplayName string `json:"display_name"`
	Description string `json:"description"`
	// Type is cpu, gpu or both; what the page calls universal is both.
	Type string `json:"type"`
	// URL, URLForGPU and PullSecret, an id, are those of an existing image.
	URL        string `json:"url"`
	URLForGPU  string `json:"url_for_gpu"`
	PullSecret string `json:"pull_secret"`
	// Build is nil for an existing image.
	Build *PortalBuild `json:"build"`
}

// PortalBuild is the part of the page that says what to build.
type PortalBuild struct {
	BaseImage  string `json:"base_image"`
	PullSecret string `json:"pull_secret"`
	// Apt, Conda and Pip are the texts of the three fields. A nil field was never touched; an empty one has been cleared again, and sends
	// a list of one empty text.
	Apt   *string `json:"apt"`
	Conda *string `json:"conda"`
	Pip   *string `json:"pip"`
}

var notOfName = regexp.MustCompile(`[\W_]`)

// portalName is the name that the page makes of a display name.
func portalName(displayName string) string {
	name := strings.ToLower(notOfName.ReplaceAllString(displayName, "-"))
	return name[:min(len(name), 57)] + "-" + strings.ToLower(rand.Text()[:5])
}

// lists are the lists of packages. A page that creates splits its fields at line ends and blanks; one that rebuilds, at line ends only.
func (b PortalBuild) lists(split func(string) []string) map[string]any {
	lists := map[string]any{}
	for kind, text := range map[string]*string{"apt": b.Apt, "conda": b.Conda, "pip": b.Pip} {
		switch {
		case text == nil:
		case *text == "":
			lists[kind] = ""
		default:
			lists[kind] = split(*text)
		}
	}
	return lists
}

func (b PortalBuild) spec(split func(string) []string) map[string]any {
	return map[string]any{"baseImage": b.BaseImage, "pullSecret": orNull(b.PullSecret), "packages": b.lists(split)}
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// AddFromPortal makes an image on the page of a group, as one of its administrators. It returns the name that the page has made.
func (p *Platform) AddFromPortal(groupName string, f PortalForm) (string, error) {
	username, id, err := p.groupAdmin(groupName)
	if err != nil {
		return "", err
	}
	name := portalName(f.DisplayName)
	data := map[string]any{
		"name": name, "displayName": f.DisplayName, "description": strings.TrimSpace(f.Description), "type": f.Type,
		"groupName": groupName, "groups": map[string]any{"connect": []any{map[string]any{"id": id}}},
	}
	if f.Build != nil {
		data["imageSpec"] = f.Build.spec(strings.Fields)
	} else {
		data["url"], data["urlForGpu"], data["useImagePullSecret"] = strings.TrimSpace(f.URL), orNull(strings.TrimSpace(f.URLForGPU)), orNull(f.PullSecret)
	}
	_, err = p.Do(username, `mutation ($data: ImageCreateInput!) { createImage(data: $data) { id } }`, map[string]any{"data": data})
	return name, err
}

// EditInPortal changes an image on the page of its group, or of all images if it belongs to none. The page sends everything that it shows.
func (p *Platform) EditInPortal(name string, f PortalForm) error {
	username, groupName, err := p.editorOf(name)
	if err != nil {
		return err
	}
	data := map[string]any{
		"displayName": f.DisplayName, "description": strings.TrimSpace(f.Description), "type": f.Type, "groupName": groupName,
		"url": strings.TrimSpace(f.URL), "urlForGpu": orNull(strings.TrimSpace(f.URLForGPU)), "useImagePullSecret": orNull(f.PullSecret),
	}
	_, err = p.Do(username, `mutation ($where: ImageWhereUniqueInput!, $data: ImageUpdateInput!) { updateImage(where: $where, data: $data) { id } }`,
		map[string]any{"where": map[string]any{"id": name}, "data": data})
	return err
}

// RebuildInPortal rebuilds an image with the button of its page.
func (p *Platform) RebuildInPortal(name string, b PortalBuild) error {
	username, _, err := p.editorOf(name)
	if err != nil {
		return err
	}
	data := b.spec(func(text string) []string { return strings.Split(text, "\n") })
	_, err = p.Do(username, `mutation ($where: ImageWhereUniqueInput!, $data: ImageSpecUpdateInput!) { rebuildImage(where: $where, data: $data) { id } }`,
		map[string]any{"where": map[string]any{"id": name}, "data": data})
	return err
}

// CancelInPortal cancels a build with the button of its page.
func (p *Platform) CancelInPortal(name string) error {
	username, _, err := p.editorOf(name)
	if err != nil {
		return err
	}
	_, err = p.Do(username, `mutation ($where: ImageWhereUniqueInput!) { cancelImageBuild(where: $where) { id } }`,
		map[string]any{"where": map[string]any{"id": name}})
	return err
}

// groupAdmin is somebody who sees the page of a group, and the id of that group.
func (p *Platform) groupAdmin(name string) (username, id string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.groupNamed(name)
	if g == nil {
		return "", "", fmt.Errorf("no group is called %q", name)
	}
	username, err = p.adminOf(name)
	return username, g.id, err
}

// editorOf is somebody who sees the page of an image, and the group that it belongs to.
func (p *Platform) editorOf(name string) (username, groupName string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	img, found := p.images[name]
	if !found {
		return "", "", fmt.Errorf("no image is called %q", name)
	}
	groupName = img.spec.text("groupName")
	username, err = p.adminOf(groupName)
	return username, groupName, err
}

// adminOf is an administrator of a group, or of the platform if it has none. The lock must be held.
func (p *Platform) adminOf(groupName string) (string, error) {
	i := slices.IndexFunc(p.users, func(u *user) bool { return p.administers(caller{u}, groupName) })
	if i < 0 {
		i = slices.IndexFunc(p.users, func(u *user) bool { return u.Admin })
	}
	if i < 0 {
		return "", errors.New("there is no administrator")
	}
	return p.users[i].Username, nil
}
