package rime

import (
	"net/http"
	"slices"
	"time"
)

// image is a managed image.
type image struct {
	inputs
	name      string
	sequence  int
	status    string
	role      string
	tag       string
	libraries []library
	// parent is the image it was built on. Nil for a system image, which is built on one of Docker Hub.
	parent   *image
	children []*image
	// visible is when the image can first be read.
	visible time.Time
	// build is the job that is at work on the image.
	build *job
}

func (p *Platform) routeImages(api *http.ServeMux) {
	if p.options.RegistryDisabled {
		// The ingress has no rule for these paths then, and what serves them instead does not know them.
		api.HandleFunc("/v1/images", http.NotFound)
		api.HandleFunc("/v1/images/", http.NotFound)
		return
	}
	// "list" is a name as any other, but for POST.
	api.Handle("POST /v1/images/list", p.rpc(p.listByBody))
	api.Handle("GET /v1/images", p.rpc(p.listByQuery))
	api.Handle("POST /v1/images", p.rpc(p.create))
	api.Handle("/v1/images", p.rpc(wrongMethod))
	api.Handle("GET /v1/images/{name}", p.rpc(p.get))
	api.Handle("DELETE /v1/images/{name}", p.rpc(p.delete))
	api.Handle("/v1/images/{name}", p.rpc(wrongMethod))
}

func (p *Platform) create(c *call) (any, error) {
	if p.options.Deployment == Cloud {
		return nil, refuse(codeUnimplemented, "managed images are not supported in a Cloud deployment")
	}
	if err := c.mayWrite(); err != nil {
		return nil, err
	}
	m, err := parse(c.body)
	if err != nil {
		return nil, err
	}
	name := m.text("name")
	if err := m.err(); err != nil {
		return nil, err
	}
	if err := p.checkName(name); err != nil {
		return nil, err
	}
	in, err := p.readInputs(m)
	if err != nil {
		return nil, err
	}
	if _, taken := p.images[name]; taken || c.now.Before(p.released[name]) {
		return nil, refuse(codeAlreadyExists, "an image with the name %q already exists", name)
	}
	img := p.add(&image{
		inputs: in, name: name, role: roleUserDefined, parent: p.images[systemImageName(in.python)], visible: c.now.Add(p.options.VisibilityLag),
	})
	job := p.startBuild(img, imageFirstBuild, c.now)
	return createAnswer{p.imageDocument(img), p.jobDocument(c, job, viewBasic)}, nil
}

// add registers an image.
func (p *Platform) add(img *image) *image {
	p.sequence++
	img.sequence = p.sequence
	img.tag = p.version
	p.images[img.name] = img
	p.ordered = append(p.ordered, img)
	if img.parent != nil {
		img.parent.children = append(img.parent.children, img)
	}
	delete(p.released, img.name)
	return img
}

// remove takes an image away, whatever its state. A build of it goes on, for nothing.
func (p *Platform) remove(img *image) {
	delete(p.images, img.name)
	p.ordered = slices.DeleteFunc(p.ordered, func(other *image) bool { return other == img })
	p.adopt(nil, img)
}

// adopt makes an image the child of another, or of none.
func (p *Platform) adopt(parent, child *image) {
	if child.parent != nil {
		child.parent.children = slices.DeleteFunc(child.parent.children, func(other *image) bool { return other == child })
	}
	child.parent = parent
	if parent != nil {
		parent.children = append(parent.children, child)
	}
}

// exists tells whether the image is still registered: another may have taken its name.
func (p *Platform) exists(img *image) bool { return p.images[img.name] == img }

// visibleImage finds the image that a call means.
func (p *Platform) visibleImage(c *call) (*image, error) {
	name := c.PathValue("name")
	img, found := p.images[name]
	if !found || c.now.Before(img.visible) {
		return nil, refuse(codeNotFound, "no image with the name %q exists", name)
	}
	return img, nil
}

func (p *Platform) get(c *call) (any, error) {
	img, err := p.visibleImage(c)
	if err != nil {
		return nil, err
	}
	return imageAnswer{p.imageDocument(img)}, nil
}

func (p *Platform) delete(c *call) (any, error) {
	img, err := p.visibleImage(c)
	if err != nil {
		return nil, err
	}
	if err := c.mayDelete(); err != nil {
		return nil, err
	}
	building := img.status == imageFirstBuild || img.status == imageRebuilding
	switch {
	case img.role == roleSystem:
		return nil, refuse(codePermissionDenied, "the image %q is a system image, which users cannot modify", img.name)
	case len(img.children) > 0:
		return nil, refuse(codeFailedPrecondition, "the image %q is the base of %d other images", img.name, len(img.children))
	case building && !p.options.DeleteWhileBuilding:
		return nil, refuse(codeFailedPrecondition, "the image %q is being built", img.name)
	}
	p.remove(img)
	p.released[img.name] = c.now.Add(p.options.NameLag)
	return struct{}{}, nil
}

func (p *Platform) imageDocument(img *image) imageDocument {
	d := imageDocument{
		Name:                img.name,
		BaseImage:           &referenceDocument{"docker.io/robustintelligencehq/rime-base-wheel", referenceDockerHub},
		RoleType:            img.role,
		ChildImages:         []referenceDocument{},
		RimeTag:             img.tag,
		RepoURI:             registryHost + "/" + repositoryPrefix + "/" + img.name,
		Status:              img.status,
		PackageRequirements: p.options.Echo.packages(img.packages),
		PipRequirements:     p.options.Echo.pip(img.pip),
		PipLibraries:        copyOf(img.libraries),
		PythonVersion:       p.options.Echo.pythonVersion(img.python),
	}
	if img.parent != nil {
		d.BaseImage = &referenceDocument{img.parent.name, referenceManaged}
	}
	for _, child := range img.children {
		d.ChildImages = append(d.ChildImages, referenceDocument{child.name, referenceManaged})
	}
	return d
}

// Echo is how requirements come back changed: it is not known what a platform does to them (internal/rime/CONTRACT.md §8 item 14).
type Echo struct {
	// Reversed is the other way around.
	Reversed bool
	// Equals writes a bare version as "==".
	Equals bool
	// UnspecifiedTypes forgets the types of packages.
	UnspecifiedTypes bool
	// FullPython tells the patch version as well.
	FullPython bool
}

// copyOf is a list that is never null.
func copyOf[T any](list []T) []T { return append([]T{}, list...) }

func (e Echo) pip(requirements []pipRequirement) []pipRequirement {
	echoed := copyOf(requirements)
	for i, r := range echoed {
		if e.Equals && r.VersionSpecifier != "" && validPipVersion.MatchString(r.VersionSpecifier) {
			echoed[i].VersionSpecifier = "==" + r.VersionSpecifier
		}
	}
	if e.Reversed {
		slices.Reverse(echoed)
	}
	return echoed
}

func (e Echo) packages(requirements []packageRequirement) []packageRequirement {
	echoed := copyOf(requirements)
	if e.UnspecifiedTypes {
		for i := range echoed {
			echoed[i].PackageType = packageUnspecified
		}
	}
	if e.Reversed {
		slices.Reverse(echoed)
	}
	return echoed
}

func (e Echo) pythonVersion(version string) string {
	if e.FullPython {
		return version + ".18"
	}
	return version
}
