package primehub

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"time"
)

// document is a JSON object, as Kubernetes stores it.
type document map[string]any

// image is the custom resource of an image.
type image struct {
	name string
	spec document
	// condition is status.jobCondition. Nil until the controller has written it.
	condition *condition
	// seen tells that the controller will look at the image.
	seen bool
}

type condition struct{ phase, image string }

// imageFields are what the resource definition knows; everything else is pruned.
var imageFields = map[string][]string{
	"":          {"displayName", "description", "type", "url", "urlForGpu", "groupName", "pullSecret", "imageSpec"},
	"imageSpec": {"baseImage", "pullSecret", "packages", "cancel", "updateTime"},
	"packages":  {"apt", "pip", "conda"},
}

// errNotFound is what Kubernetes says of an object that it does not have, and errInvalid of one that it does not take.
var (
	errNotFound = errors.New("not found")
	errInvalid  = errors.New("invalid")
	errBroken   = errors.New("the API server does not answer")
	errExists   = errors.New("already exists")
)

var validName = regexp.MustCompile(`\A[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z`)

// text is a field that is text, empty if there is none.
func (d document) text(field string) string {
	s, _ := d[field].(string)
	return s
}

// object is a field that is an object, nil if there is none.
func (d document) object(field string) document {
	o, _ := d[field].(document)
	return o
}

// imageSpec is what the image is built of, nil if it is not built.
func (i *image) imageSpec() document { return i.spec.object("imageSpec") }

// clone copies a value that consists of documents and lists.
func clone(v any) any {
	switch v := v.(type) {
	case document:
		c := make(document, len(v))
		for key, value := range v {
			c[key] = clone(value)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, item := range v {
			c[i] = clone(item)
		}
		return c
	}
	return v
}

func (d document) clone() document {
	c, _ := clone(d).(document)
	return c
}

// merge applies a merge patch (RFC 7386).
func (d document) merge(patch document) {
	for key, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(d, key)
		case document:
			if d.object(key) == nil {
				d[key] = document{}
			}
			d.object(key).merge(value)
		default:
			d[key] = clone(value)
		}
	}
}

// prune removes what the resource definition does not know, and every null.
func (d document) prune(kind string) {
	maps.DeleteFunc(d, func(key string, value any) bool { return value == nil || !slices.Contains(imageFields[kind], key) })
	for key, value := range d {
		if object, ok := value.(document); ok {
			object.prune(key)
		}
	}
}

// valid tells whether the resource definition takes the specification of an image.
func (d document) valid() bool {
	spec, is := d["imageSpec"]
	if !is {
		return true
	}
	object, ok := spec.(document)
	if _, has := object["baseImage"].(string); !ok || !has {
		return false
	}
	for _, list := range object.object("packages") {
		items, ok := list.([]any)
		if !ok || slices.ContainsFunc(items, func(item any) bool { _, text := item.(string); return !text }) {
			return false
		}
	}
	return true
}

// The calls of the API server. The lock must be held for each of them.

func (p *Platform) getImage(name string) (*image, error) {
	if p.fails(Kubernetes, Read) {
		return nil, errBroken
	}
	img, found := p.images[name]
	if !found {
		return nil, errNotFound
	}
	return img, nil
}

// listImages is in the order of Kubernetes' store: by name.
func (p *Platform) listImages() ([]*image, error) {
	if p.fails(Kubernetes, Read) {
		return nil, errBroken
	}
	return slices.SortedFunc(maps.Values(p.images), func(a, b *image) int {
		if a.name < b.name {
			return -1
		}
		return 1
	}), nil
}

func (p *Platform) createResource(name string, spec document) (*image, error) {
	switch _, exists := p.images[name]; {
	case p.fails(Kubernetes, Create):
		return nil, errBroken
	case exists:
		return nil, errExists
	}
	spec = spec.clone()
	valid := spec.valid() // nulls in lists are refused before others are pruned
	spec.prune("")
	if !valid || !validName.MatchString(name) || len(name) > 253 {
		return nil, errInvalid
	}
	img := &image{name: name, spec: spec}
	p.images[name] = img
	p.changed(img)
	return img, nil
}

// patchResource applies a merge patch to the specification of an image.
func (p *Platform) patchResource(name string, patch document) error {
	img, found := p.images[name]
	switch {
	case p.fails(Kubernetes, Patch):
		return errBroken
	case !found:
		return errNotFound
	}
	spec := img.spec.clone()
	spec.merge(patch)
	valid := spec.valid()
	spec.prune("")
	if !valid {
		return errInvalid
	}
	img.spec = spec
	p.changed(img)
	return nil
}

// deleteResource deletes an image. Its job follows a little later, unless a new image of that name makes it its own before.
func (p *Platform) deleteResource(img *image, at time.Time) error {
	if p.fails(Kubernetes, Delete) {
		return errBroken
	}
	p.forget(img, at)
	return nil
}

// forget removes an image whatever the state of the API server.
func (p *Platform) forget(img *image, at time.Time) {
	delete(p.images, img.name)
	if j := p.jobs[img.name]; j != nil {
		p.agenda.Plan(at.Add(p.options.CollectionDelay), func(time.Time) { p.collect(j) })
	}
	if p.options.WatcherDelay > 0 {
		p.agenda.Plan(at.Add(p.options.WatcherDelay), func(time.Time) { p.watcherHears(img.name) })
	}
}

// still tells whether an image is still there: another may have taken its name.
func (p *Platform) still(img *image) bool { return p.images[img.name] == img }
