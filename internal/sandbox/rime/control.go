package rime

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What follows is what a client of the API cannot do: the platform's operator, another user, or a test behind the client's back.

// Inputs are what an image is made of.
type Inputs struct {
	PythonVersion       string    `json:"python_version"`
	PipRequirements     []Require `json:"pip_requirements"`
	PackageRequirements []Require `json:"package_requirements"`
}

// Require is a requirement of an image.
type Require struct {
	Name             string `json:"name"`
	VersionSpecifier string `json:"version_specifier"`
	// PackageType is of system packages only. Empty is the first that the platform supports.
	PackageType string `json:"package_type"`
}

// Build is a build of an image as the platform sees it.
type Build struct {
	JobID, Image, Status, Tag string
	// Created, Started and Completed are the job's times, zero until then. Settled is when the image got the status that came of it.
	Created, Started, Completed, Settled time.Time
}

// do does something to the platform as it is now.
func (p *Platform) do(what func(now time.Time) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return what(p.agenda.CatchUp())
}

// change does something to an image.
func (p *Platform) change(name string, what func(*image) error) error {
	return p.do(func(time.Time) error {
		img, found := p.images[name]
		if !found {
			return fmt.Errorf("no image with the name %q exists", name)
		}
		return what(img)
	})
}

// Upgrade installs another version of the platform. Its images become outdated, and it rebuilds them a little later: system images, and
// then what is built on them.
func (p *Platform) Upgrade(version string) error {
	return p.do(func(now time.Time) error {
		if version == "" {
			return fmt.Errorf("a platform needs a version")
		}
		p.version = version
		for _, img := range p.ordered {
			if img.status == imageReady && img.tag != version {
				p.outdate(img, now)
			}
		}
		return nil
	})
}

// Add adds an image that is ready to use.
func (p *Platform) Add(name string, in Inputs) error {
	return p.do(func(time.Time) error {
		inner, err := p.inner(in)
		if err != nil {
			return err
		}
		return p.addReady(name, inner)
	})
}

// SetImageStatus makes the status of an image any text, until the platform changes it.
func (p *Platform) SetImageStatus(name, status string) error {
	return p.change(name, func(img *image) error {
		img.status = status
		return nil
	})
}

// SetJobStatus makes the status of a build any text, until the platform changes it.
func (p *Platform) SetJobStatus(id, status string) error {
	return p.do(func(time.Time) error {
		j, found := p.jobs[id]
		switch {
		case !found:
			return fmt.Errorf("no job with the id %q exists", id)
		case j.ended() || slices.Contains([]string{jobSucceeded, jobFailed, jobCancelled}, status):
			return fmt.Errorf("a job's end is not a matter of its status alone: it comes of the build")
		}
		j.status = status
		return nil
	})
}

// Remove takes an image away, whatever its state and whoever built on it.
func (p *Platform) Remove(name string) error {
	return p.change(name, func(img *image) error {
		p.remove(img)
		return nil
	})
}

// Edit changes what an image claims to be made of, without building it.
func (p *Platform) Edit(name string, in Inputs) error {
	return p.change(name, func(img *image) error {
		inner, err := p.inner(in)
		if err != nil {
			return err
		}
		img.inputs = inner
		return nil
	})
}

// SetParent builds an image on another, so to speak: the API has no call for it, but knows images with children.
func (p *Platform) SetParent(child, parent string) error {
	return p.change(child, func(img *image) error {
		base, found := p.images[parent]
		if !found || base == img {
			return fmt.Errorf("%q cannot be built on %q", child, parent)
		}
		p.adopt(base, img)
		return nil
	})
}

// Fail makes the builds that install a package fail from now on; the empty failure lets them succeed again.
func (p *Platform) Fail(packageName string, failure Failure) error {
	return p.do(func(time.Time) error {
		switch {
		case failure == "":
			delete(p.failures, normalName(packageName))
		case !slices.Contains(Failures(), failure):
			return fmt.Errorf("no failure is called %q; there are %q", failure, Failures())
		default:
			p.failures[normalName(packageName)] = failure
		}
		return nil
	})
}

// SetBuildTime changes how long the builds take that begin from now on. Deadline and lags stay.
func (p *Platform) SetBuildTime(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agenda.CatchUp()
	p.options.BuildTime = d
}

// ImageNames are the names of all users' images, in the order of their creation.
func (p *Platform) ImageNames() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agenda.CatchUp()
	var names []string
	for _, img := range p.ordered {
		if img.role != roleSystem {
			names = append(names, img.name)
		}
	}
	return names
}

// Builds are all builds there have been of the images of a name, the oldest first; also those that the API tells nobody about.
func (p *Platform) Builds(name string) []Build {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agenda.CatchUp()
	var builds []Build
	for _, j := range p.jobs {
		if j.image.name == name {
			builds = append(builds, Build{j.id, name, j.status, j.tag, j.created, j.started, j.completed, j.settled})
		}
	}
	slices.SortFunc(builds, func(a, b Build) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.JobID, b.JobID)
	})
	return builds
}

// inner checks inputs as the API does. The lock must be held.
func (p *Platform) inner(in Inputs) (inputs, error) {
	inner := inputs{python: in.PythonVersion}
	inner.python = cmp.Or(inner.python, p.options.DefaultPython)
	for _, r := range in.PipRequirements {
		inner.pip = append(inner.pip, pipRequirement{r.Name, r.VersionSpecifier})
	}
	for _, r := range in.PackageRequirements {
		r.PackageType = cmp.Or(r.PackageType, p.options.PackageTypes[0])
		inner.packages = append(inner.packages, packageRequirement(r))
	}
	return inner, p.checkInputs(inner)
}
