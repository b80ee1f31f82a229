package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/managed-images/terraform-provider-rime/internal/buildkit"
	"github.com/managed-images/terraform-provider-rime/internal/compose"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/lockfile"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pylock"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

var _ imageregistry.Locker = (*Registry)(nil)

// Lock implements [imageregistry.Locker].
func (r *Registry) Lock(ctx context.Context, request imageregistry.LockRequest) (imageregistry.Lock, error) {
	spec, err := r.config.withPython(request.Spec)
	if err != nil {
		return imageregistry.Lock{}, err
	}
	if spec.InstallsNothing() {
		return imageregistry.Lock{}, nil
	}
	from := base{Reference: r.config.BaseImages[spec.PythonVersion]}
	if from.Digest, err = r.bases.digest(ctx, from.Reference); err != nil {
		// The builder may get it from a mirror that only it can reach.
		return imageregistry.Lock{Open: unreadable(from, err)}, nil
	}
	return r.lock(ctx, from, spec, request.Keep)
}

func unreadable(from base, err error) string {
	return fmt.Sprintf("the base image %s could not be read: %v", from.Reference, err)
}

// settle is the base and the lock that the spec is built with: those that were planned, or what is found out now.
func (r *Registry) settle(ctx context.Context, from base, spec imageregistry.Spec, keep string) (base, imageregistry.Lock, error) {
	if planned := spec.Lock; planned.Base.Digest != "" {
		if from.Digest != planned.Base.Digest {
			from.Digest, from.Shown = planned.Base.Digest, ""
		}
		return from, planned, nil
	}
	if spec.InstallsNothing() {
		return from, imageregistry.Lock{}, nil
	}
	lock, err := r.lock(ctx, from, spec, keep)
	if err == nil && lock.Open != "" && r.onlyLocked(spec) {
		err = &OpenLockError{Reason: lock.Open}
	}
	return from, lock, err
}

// onlyLocked tells a spec that cannot be built without a lock.
func (r *Registry) onlyLocked(spec imageregistry.Spec) bool {
	return spec.PipLockFile != "" || r.config.OnlyLocked
}

// lock finds out what the spec comes to on that base.
func (r *Registry) lock(ctx context.Context, from base, spec imageregistry.Spec, keep string) (imageregistry.Lock, error) {
	lock := imageregistry.Lock{Base: from.domain()}
	l := &locking{index: r.config.Index, decides: r.config.BuildDecides, spec: spec}
	if r.config.ExcludeNewer != nil {
		l.request.Before = r.config.ExcludeNewer()
	}
	if lock.Open = l.read(); lock.Open != "" {
		return lock, nil
	}
	bases, err := r.readBases(ctx, from)
	switch unusable, ok := errors.AsType[*compose.BaseError](err); {
	case ok && unusable.Unclear && !r.onlyLocked(spec):
		lock.Open = fmt.Sprintf("the base image %s %s", from.Reference, unusable.Problem)
		return lock, nil
	case ok:
		return lock, &UnusableBaseError{Reference: from.Reference, Problem: unusable.Problem}
	case ctx.Err() != nil:
		return lock, context.Cause(ctx)
	case err != nil:
		lock.Open = unreadable(from, err)
		return lock, nil
	}
	for _, b := range bases {
		if python := minor(b.Target); python != spec.PythonVersion {
			return lock, &UnusableBaseError{Reference: from.Reference, Problem: fmt.Sprintf("has Python %s, not %s", b.Target.Python, spec.PythonVersion)}
		}
		find := l.resolve
		if spec.PipLockFile != "" {
			find = l.obey
		}
		err := find(ctx, b, keep)
		if open, ok := errors.AsType[*pythonindex.UnlockableError](err); ok && spec.PipLockFile == "" {
			lock.Open = open.Error()
			return lock, nil
		}
		if err != nil {
			return lock, err
		}
	}
	return l.finish(lock, bases[0])
}

func minor(target *resolve.Target) string {
	return strings.Join(target.Python.Release()[:2], ".")
}

// locking is one search for the versions of an image.
type locking struct {
	index    *pythonindex.Client
	decides  string // why the build decides, empty where it does not
	spec     imageregistry.Spec
	request  resolve.Request // but for the target, and what it prefers
	resolved []resolve.Resolved
}

// read reads what is asked for. It returns why only a build can tell what that comes to, if so.
func (l *locking) read() (open string) {
	if l.index == nil {
		return "no package index is known"
	}
	if l.decides != "" {
		return l.decides
	}
	l.request.Requirements, open = parsed(l.spec.PipRequirements)
	if open != "" || l.spec.PipLockFile != "" {
		return open
	}
	l.request.Constraints, open = parsed(l.spec.PipConstraints)
	return open
}

// parsed are the requirements as the resolver takes them, or why it cannot.
func parsed(pips []requirement.Pip) (all []pep508.Requirement, open string) {
	for _, pip := range requirement.CanonicalPips(pips) {
		r, err := pep508.Parse(pip.String())
		if err != nil {
			return nil, fmt.Sprintf("%q is no requirement that can be read", pip.Name)
		}
		all = append(all, r)
	}
	return all, ""
}

// resolve finds the versions for one platform.
func (l *locking) resolve(ctx context.Context, b *compose.Base, keep string) error {
	lock, err := pylock.Parse(keep)
	if err != nil { // there is none, or it cannot be read
		lock = pylock.Lock{}
	}
	request := l.request
	request.Target = b.Target
	if request.Preferred, err = resolve.Kept(lock, b.Target, func(name string) ([]*pythonindex.File, error) { return l.index.Files(ctx, name) }); err != nil {
		return err
	}
	for _, i := range b.Installed {
		request.Preferred = append(request.Preferred, resolve.Pin{Name: i.Metadata.Name, Version: i.Metadata.Version, Metadata: i.Metadata})
	}
	if request.Direct, err = l.direct(ctx, b.Target, lock); err != nil {
		return err
	}
	pins, err := resolve.Resolve(ctx, l.index, request)
	if err != nil {
		return err
	}
	if pin, locked, ok := resolve.Replaced(lock, pins); ok {
		return &ReplacedFileError{File: pin.File.Name, Index: pin.File.Index, Locked: locked, Found: pin.File.SHA256}
	}
	l.resolved = append(l.resolved, resolve.Resolved{Target: b.Target, Pins: pins})
	return nil
}

// obey takes for one platform what the lock file says.
func (l *locking) obey(ctx context.Context, b *compose.Base, _ string) error {
	file, err := lockfile.Parse(l.spec.PipLockFile)
	if err != nil {
		return &LockFileError{err}
	}
	entries, err := file.For(b.Target.Environment())
	if err != nil {
		return &LockFileError{err}
	}
	pins := make([]resolve.Pin, len(entries))
	group, ctx := errgroup.WithContext(ctx)
	for i, entry := range entries {
		group.Go(func() (err error) {
			pins[i], err = l.pin(ctx, b.Target, entry)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	l.resolved = append(l.resolved, resolve.Resolved{Target: b.Target, Pins: pins})
	return nil
}

// pin is the file of an entry of a lock file that the target takes.
func (l *locking) pin(ctx context.Context, target *resolve.Target, entry lockfile.Entry) (resolve.Pin, error) {
	if entry.Address != "" {
		return l.pinDirect(ctx, target, entry)
	}
	files, err := l.index.Files(ctx, entry.Name)
	if err != nil {
		return resolve.Pin{}, err
	}
	var other string // the version of a file that has a hash of the lock, where the lock has another version
	allowed := slices.DeleteFunc(slices.Clone(files), func(f *pythonindex.File) bool {
		if !slices.Contains(entry.Hashes, f.SHA256) || f.Wheel == nil && entry.WheelsOnly {
			return true
		}
		if !hasVersion(entry, f) {
			other = f.Version.String()
			return true
		}
		return false
	})
	if best, ok := target.Best(allowed); ok {
		return resolve.Pin{Name: entry.Name, Version: best.Version, File: best}, nil
	}
	problem := fmt.Sprintf("no package index has a file of %s %s with a hash of the lock", entry.Name, entry.Version)
	switch {
	case len(allowed) > 0:
		problem = fmt.Sprintf("no file of %s %s in the lock fits the image's Python and platform", entry.Name, entry.Version)
	case other != "":
		problem = fmt.Sprintf("the lock has %s %s with the hash of %s %s", entry.Name, entry.Version, entry.Name, other)
	}
	return resolve.Pin{}, &LockFileError{errors.New(problem)}
}

// hasVersion tells a file of the entry's version. As for pip, 2.1 means 2.1+cu118 as well.
func hasVersion(entry lockfile.Entry, f *pythonindex.File) bool {
	version := f.Version
	if entry.Version.Local() == "" {
		version = version.Public()
	}
	return entry.Version.String() == "" || entry.Version.Compare(version) == 0
}

// finish writes the lock down. First is the base of the first platform.
func (l *locking) finish(lock imageregistry.Lock, first *compose.Base) (imageregistry.Lock, error) {
	sources := map[imageregistry.Source]bool{}
	for _, target := range l.resolved {
		for _, pin := range target.Pins {
			switch {
			case pin.File == nil:
			case pin.File.SHA256 == "":
				lock.Open = fmt.Sprintf("the package index %s tells no SHA-256 of %s", pin.File.Index, pin.File.Name)
				return lock, nil
			case pin.File.Wheel == nil:
				sources[imageregistry.Source{Name: pin.Name, Version: pin.Version.String()}] = true
			}
		}
	}
	lock.Sources = slices.SortedFunc(maps.Keys(sources), func(a, b imageregistry.Source) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	made, err := resolve.Pylock(l.resolved)
	if err != nil {
		return lock, err
	}
	if len(made.Packages) > 0 {
		lock.Pylock = made.String()
	}
	if !first.Elsewhere && (!first.System || len(l.spec.PackageRequirements) == 0) {
		lock.Libraries = libraries(first, l.resolved[0].Pins)
	}
	return lock, nil
}

// libraries are what pip will list: what the base has, but for what is replaced, and what is installed.
func libraries(b *compose.Base, pins []resolve.Pin) []imageregistry.PipLibrary {
	versions := map[string]string{}
	for _, i := range b.Installed {
		versions[i.Metadata.Name] = i.Metadata.Version.String()
	}
	for _, pin := range pins {
		versions[pin.Name] = pin.Version.String()
	}
	all := make([]imageregistry.PipLibrary, 0, len(versions))
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		all = append(all, imageregistry.PipLibrary{Name: name, Version: versions[name]})
	}
	return all
}

// locked are the distributions of a lock of ours, as the builder takes them.
func locked(text string) ([]buildkit.Locked, error) {
	if text == "" {
		return nil, nil
	}
	lock, err := pylock.Parse(text)
	if err != nil {
		return nil, err
	}
	all := make([]buildkit.Locked, 0, len(lock.Packages))
	for _, p := range lock.Packages {
		install := buildkit.Locked{Name: p.Name, Version: p.Version.String(), Hashes: p.Hashes(), Marker: p.Marker}
		if archive, subdirectory := p.Direct(); archive != nil {
			install.Address = archive.URL
			if subdirectory != "" {
				install.Address += "#subdirectory=" + subdirectory
			}
		}
		all = append(all, install)
	}
	return all, nil
}
