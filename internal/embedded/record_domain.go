package embedded

import (
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// requestOf is the record's form of a spec.
func requestOf(spec imageregistry.Spec) request {
	r := request{
		PythonVersion: spec.PythonVersion, InputHash: spec.Hash(), LockFile: spec.PipLockFile,
		Lock: lock{Pylock: spec.Lock.Pylock, Base: spec.Lock.Base.Digest},
	}
	for _, p := range spec.PipRequirements {
		r.Pip = append(r.Pip, pipRequirement(p))
	}
	for _, p := range spec.PipConstraints {
		r.Constraints = append(r.Constraints, pipRequirement(p))
	}
	for _, p := range spec.PackageRequirements {
		r.Packages = append(r.Packages, packageRequirement{p.Name, p.VersionSpecifier, string(p.Type)})
	}
	return r
}

// spec is what was asked for.
func (r *record) spec() imageregistry.Spec {
	spec := imageregistry.Spec{Name: r.Name, PythonVersion: r.Request.PythonVersion, PipLockFile: r.Request.LockFile}
	for _, p := range r.Request.Pip {
		spec.PipRequirements = append(spec.PipRequirements, requirement.Pip(p))
	}
	for _, p := range r.Request.Constraints {
		spec.PipConstraints = append(spec.PipConstraints, requirement.Pip(p))
	}
	for _, p := range r.Request.Packages {
		spec.PackageRequirements = append(spec.PackageRequirements,
			requirement.Package{Name: p.Name, VersionSpecifier: p.VersionSpecifier, Type: requirement.PackageType(p.Type)})
	}
	return spec
}

// domain is the build as the rest of the provider knows it. now is for how long it has been running.
func (b build) domain(now time.Time) imageregistry.Build {
	d := imageregistry.Build{
		ID:          b.ID,
		Status:      b.Status,
		CreatedAt:   b.CreatedAt,
		StartedAt:   b.StartedAt,
		CompletedAt: b.CompletedAt,
	}
	switch {
	case b.StartedAt.IsZero():
	case b.CompletedAt.IsZero():
		d.RunningTime = max(0, now.Sub(b.StartedAt))
	default:
		d.RunningTime = b.CompletedAt.Sub(b.StartedAt)
	}
	if f := b.Failure; f != nil {
		failure := imageregistry.BuildFailure(*f)
		d.Failure = &failure
	}
	return d
}

// recorded is a failure as the record holds it, of bounded size: no log may make a record too large to be written.
func recorded(f imageregistry.BuildFailure) *failure {
	r := failure(f)
	r.Message = httpx.OneLine(r.Message)
	r.LogTail = nil
	for _, line := range f.LogTail[max(0, len(f.LogTail)-maxLogLines):] {
		r.LogTail = append(r.LogTail, httpx.Truncated(line, maxLogLine))
	}
	return &r
}

const (
	maxLogLines = 60
	maxLogLine  = 2000 // characters
)

func recordedLibraries(libraries []imageregistry.PipLibrary) []pipLibrary {
	all := make([]pipLibrary, 0, len(libraries))
	for _, l := range libraries {
		all = append(all, pipLibrary(l))
	}
	return all
}

// domain is the base as the rest of the provider knows it.
func (b base) domain() imageregistry.ImageReference {
	return imageregistry.ImageReference{Name: b.Reference, ReferenceType: imageregistry.ReferenceTypeExternal, Digest: b.Digest}
}

// image is the image as the rest of the provider knows it, but for its status.
func (r *record) image(repository string) imageregistry.Image {
	spec := r.spec()
	image := imageregistry.Image{
		Name:                r.Name,
		RoleType:            imageregistry.RoleTypeUserDefined,
		RepoURI:             repository,
		PythonVersion:       r.Request.PythonVersion,
		PipRequirements:     spec.PipRequirements,
		PipConstraints:      spec.PipConstraints,
		PipLockFile:         spec.PipLockFile,
		PackageRequirements: spec.PackageRequirements,
		BuildID:             r.Build.ID,
		Pylock:              r.Request.Lock.Pylock,
	}
	if p := r.Image; p != nil {
		image.Tag, image.Digest, image.Size, image.Pylock = p.Tag, p.Digest, p.Size, p.Pylock
		image.BaseImage = p.Base.domain()
		for _, l := range p.PipLibraries {
			image.PipLibraries = append(image.PipLibraries, imageregistry.PipLibrary(l))
		}
	}
	return image
}
