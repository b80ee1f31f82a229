package primehub

import (
	"errors"
	"time"
)

// packageKinds are the lists of packages.
var packageKinds = []string{"apt", "conda", "pip"}

// typeBoth is the type of an image for both CPU and GPU: "universal" to users, and the default.
const typeBoth = "both"

// createImage makes an image (internal/primehub/CONTRACT.md §2.5). What has been done when a step fails stays done.
func (p *Platform) createImage(c *call, args arguments) (any, error) {
	data := args.object("data")
	if !c.admin() && !p.administers(c.caller, data.text("groupName")) {
		return nil, notAuthorise()
	}
	name := data.text("name")
	if err := p.createRole(name); err != nil {
		return nil, err
	}
	img, err := p.createResource(name, createdSpec(data))
	if err != nil {
		return nil, requestFailed()
	}
	if data["global"] == true {
		if err := p.mapRole(name, everyoneID, true); err != nil {
			return nil, err
		}
	}
	if err := p.connect(name, data.object("groups").list("connect"), true); err != nil {
		return nil, err
	}
	spec := img.spec
	if img.imageSpec() != nil {
		spec = spec.clone()
		spec.object("imageSpec").merge(document{"cancel": false, "updateTime": p.updateTime(c.now)})
		p.patchLater(name, spec)
	}
	return p.imageNode(c, img, spec), nil
}

// createdSpec is the specification of a new image.
func createdSpec(data arguments) document {
	spec := document{
		"displayName": data.text("displayName"), "description": data["description"], "type": data.text("type"), "url": data["url"],
		"urlForGpu": data["url"], "pullSecret": data.text("useImagePullSecret"), "groupName": data["groupName"],
	}
	if spec["displayName"] == "" {
		spec["displayName"] = data.text("name")
	}
	if spec["type"] == "" {
		spec["type"] = typeBoth
	}
	if gpu := data.text("urlForGpu"); gpu != "" && spec["type"] == typeBoth {
		spec["urlForGpu"] = gpu
	}
	if build := data.object("imageSpec"); build != nil {
		spec["imageSpec"] = toDocument(build)
	}
	return spec
}

// toDocument turns an input object into what is stored.
func toDocument(input arguments) document {
	d := document{}
	for key, value := range input {
		if object, ok := value.(arguments); ok {
			value = toDocument(object)
		}
		d[key] = clone(value)
	}
	return d
}

// connect maps the role of an image to groups, or unmaps it: all at the same time, so that one that fails does not keep the others back.
func (p *Platform) connect(name string, groups []any, mapped bool) error {
	var first error
	for _, g := range groups {
		where, _ := g.(arguments)
		if err := p.mapRole(name, where.text("id"), mapped); first == nil {
			first = err
		}
	}
	return first
}

// updateTime is a time as imageSpec.updateTime has it.
func (p *Platform) updateTime(now time.Time) string {
	return now.UTC().Truncate(p.options.TimeStep).Format("2006-01-02T15:04:05.000Z")
}

// patchLater sends a patch that nobody waits for, and whose failure nobody hears of.
func (p *Platform) patchLater(name string, patch document) {
	patch = patch.clone()
	p.agenda.Plan(p.agenda.Now().Add(p.options.WriteDelay), func(time.Time) { _ = p.patchResource(name, patch) })
}

// readForWrite reads the image that a mutation means.
func (p *Platform) readForWrite(name string) (*image, error) {
	img, err := p.getImage(name)
	switch {
	case errors.Is(err, errNotFound):
		return nil, p.notFound("images.primehub.io", name)
	case err != nil:
		return nil, unavailable()
	}
	return img, nil
}

// updateImage changes an image (internal/primehub/CONTRACT.md §2.6). Whether it may is decided by the group that the request names, not by that of the image.
func (p *Platform) updateImage(c *call, args arguments) (any, error) {
	name, data := args.object("where").text("id"), args.object("data")
	if p.fails(Keycloak, ReadGroups) { // it looks for the role first
		return nil, keycloakDown()
	}
	if !c.admin() && !p.administers(c.caller, data.text("groupName")) {
		return nil, notAuthorise()
	}
	img, err := p.readForWrite(name)
	if err != nil {
		return nil, err
	}
	if err := p.patchResource(name, updatePatch(img.spec, data)); err != nil {
		return nil, requestFailed()
	}
	if data.given("global") {
		if err := p.mapRole(name, everyoneID, data["global"] == true); err != nil {
			return nil, err
		}
	}
	groups := data.object("groups")
	if err := p.connect(name, groups.list("connect"), true); err != nil {
		return nil, err
	}
	if err := p.connect(name, groups.list("disconnect"), false); err != nil {
		return nil, err
	}
	return p.imageNode(c, img, img.spec), nil
}

// updatePatch is the patch that an update makes of what is stored and what is sent: two fields are cleared if they are not sent.
func updatePatch(stored document, data arguments) document {
	patch := document{"pullSecret": data["useImagePullSecret"], "groupName": data["groupName"]}
	for _, field := range []string{"displayName", "description", "type"} {
		if data.given(field) {
			patch[field] = data[field]
		}
	}
	kind := stored.text("type")
	if data["type"] != nil { // null removes it, and what was stored counts here still
		kind = data.text("type")
	}
	url := firstText(data.text("url"), stored.text("url"))
	gpu := url
	if kind == typeBoth {
		gpu = firstText(data.text("urlForGpu"), data.text("url"), stored.text("urlForGpu"), url)
	}
	for field, value := range map[string]string{"url": url, "urlForGpu": gpu} {
		if value != "" { // neither can be blanked
			patch[field] = value
		}
	}
	return patch
}

func firstText(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// deleteImage deletes the role of an image, and then the image (internal/primehub/CONTRACT.md §2.7).
func (p *Platform) deleteImage(c *call, args arguments) (any, error) {
	name := args.object("where").text("id")
	img, err := p.readForWrite(name)
	if err != nil {
		return nil, err
	}
	if !c.admin() && !p.administers(c.caller, img.spec.text("groupName")) {
		return nil, notAuthorise()
	}
	if err := p.deleteRole(name); err != nil {
		return nil, err
	}
	if err := p.deleteResource(img, c.now); err != nil {
		p.relist(name, c.now)
		return nil, requestFailed()
	}
	return p.imageNode(c, img, img.spec), nil
}
