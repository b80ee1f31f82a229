package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pylock"
)

// Resolved is what one target takes.
type Resolved struct {
	Target *Target
	Pins   []Pin
}

// Pylock is the lock of all targets together, which is the same for the same pins. What a target has already is not in it.
// Where a file is, it tells where everybody may know.
func Pylock(targets []Resolved) (pylock.Lock, error) {
	lock := pylock.Lock{CreatedBy: "terraform-provider-rime"}
	entries := map[string]*lockEntry{}
	var keys []string
	for i, t := range targets {
		environment, err := t.Target.marker()
		if err != nil {
			return pylock.Lock{}, err
		}
		lock.Environments = append(lock.Environments, environment)
		for _, pin := range t.Pins {
			if pin.File == nil {
				continue
			}
			key := pin.Name + "\x00" + pin.Version.Key() + "\x00" + strings.Join(pin.Requires, ",")
			if pin.File.Direct != nil {
				key += "\x00" + pin.File.Address() + "\x00" + pin.File.SHA256
			}
			if entries[key] == nil {
				entries[key] = &lockEntry{pin: pin}
				keys = append(keys, key)
			}
			entries[key].add(i, pin.File)
		}
	}
	slices.Sort(keys)
	names := map[string]bool{}
	for _, e := range entries {
		names[e.pin.Name] = true
	}
	for _, key := range keys {
		p, err := entries[key].locked(targets)
		if err != nil {
			return pylock.Lock{}, err
		}
		// Only what is in the lock can be referred to there (PEP 751).
		p.Dependencies = slices.DeleteFunc(slices.Clone(p.Dependencies), func(name string) bool { return !names[name] })
		lock.Packages = append(lock.Packages, p)
	}
	return lock, nil
}

// marker holds on the target.
func (t *Target) marker() (pep508.Marker, error) {
	return pep508.ParseMarker(fmt.Sprintf(`python_full_version == %q and %s and sys_platform == "linux"`, t.Python, t.machine()))
}

// machine is the part of the marker that tells targets of one image apart.
func (t *Target) machine() string { return fmt.Sprintf("platform_machine == %q", t.Platform.Machine) }

// lockEntry is a distribution in a version, for one or more targets.
type lockEntry struct {
	pin     Pin
	targets []int
	wheels  []pylock.File
	sdist   *pylock.File
	// archive or vcs is where the distribution is that has an address.
	archive *pylock.File
	vcs     *pylock.VCS
}

// add adds the file that a target takes.
func (e *lockEntry) add(target int, f *pythonindex.File) {
	e.targets = append(e.targets, target)
	if f.Direct != nil {
		e.addDirect(f)
		return
	}
	file := pylock.File{Name: f.Name, URL: f.PublicURL(), SHA256: f.SHA256, Size: f.Size, Uploaded: f.Uploaded}
	if f.Wheel == nil {
		e.sdist = &file
	} else if !slices.Contains(e.wheels, file) {
		e.wheels = append(e.wheels, file)
	}
}

// addDirect adds the file of a distribution that has an address, which stands in the requirements too.
func (e *lockEntry) addDirect(f *pythonindex.File) {
	archive, d := &pylock.File{URL: f.URL, SHA256: f.SHA256, Size: f.Size}, f.Direct
	if d.Commit == "" {
		archive.Subdirectory = d.Subdirectory
		e.archive = archive
		return
	}
	e.vcs = &pylock.VCS{
		Type: "git", URL: d.Repository, CommitID: d.Commit, RequestedRevision: d.Revision, Subdirectory: d.Subdirectory, Archive: archive,
	}
}

func (e *lockEntry) locked(targets []Resolved) (pylock.Package, error) {
	p := pylock.Package{
		Name: e.pin.Name, Version: e.pin.Version, Dependencies: e.pin.Requires, Wheels: e.wheels, Sdist: e.sdist, Archive: e.archive, VCS: e.vcs,
	}
	slices.SortFunc(p.Wheels, func(a, b pylock.File) int { return strings.Compare(a.Name, b.Name) })
	if len(e.targets) == len(targets) {
		return p, nil
	}
	var machines []string
	for _, i := range e.targets {
		machines = append(machines, targets[i].Target.machine())
	}
	slices.Sort(machines)
	var err error
	p.Marker, err = pep508.ParseMarker(strings.Join(machines, " or "))
	return p, err
}

// Kept are the pins of a lock that this target may keep: those whose very file the source still has. Of what else the lock
// has nothing is known any more. What comes from an address is not among them: see [KeptCommit].
func Kept(lock pylock.Lock, target *Target, files func(name string) ([]*pythonindex.File, error)) ([]Pin, error) {
	var pins []Pin
	for _, p := range lock.Packages {
		if holds, err := p.Marker.Holds(target.Environment()); err != nil || !holds || p.Version == (pep440.Version{}) || p.Archive != nil || p.VCS != nil {
			continue
		}
		found, err := files(p.Name)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if _, fits := target.rank(f); fits && slices.Contains(p.Hashes(), f.SHA256) {
				pins = append(pins, Pin{Name: p.Name, Version: f.Version, File: f})
				break
			}
		}
	}
	return pins, nil
}

// Replaced is the first of the pins whose file has another hash than the lock has for a file of that name on an index, and the hash
// that it has. It is not ok where there is none.
func Replaced(lock pylock.Lock, pins []Pin) (pin Pin, locked string, ok bool) {
	hashes := map[string][]string{}
	for _, p := range lock.Packages {
		files := p.Wheels
		if p.Sdist != nil {
			files = append(slices.Clip(files), *p.Sdist)
		}
		for _, f := range files {
			hashes[f.Name] = append(hashes[f.Name], f.SHA256)
		}
	}
	for _, pin := range pins {
		if pin.File == nil || pin.File.Direct != nil || pin.File.SHA256 == "" {
			continue
		}
		if known := hashes[pin.File.Name]; known != nil && !slices.Contains(known, pin.File.SHA256) {
			return pin, known[0], true
		}
	}
	return Pin{}, "", false
}

// KeptCommit is the commit that the lock has of what is at that address, for that target. It stays as long as the address does,
// wherever a branch or a tag has moved to. It is empty where the lock has none.
func KeptCommit(lock pylock.Lock, target *Target, name, address string) string {
	a, err := pythonindex.ParseAddress(address)
	if err != nil || !a.Git {
		return ""
	}
	for _, p := range lock.Packages {
		if p.Name != name || p.VCS == nil || p.VCS.URL != a.URL || p.VCS.RequestedRevision != a.Revision {
			continue
		}
		if holds, err := p.Marker.Holds(target.Environment()); err == nil && holds {
			return p.VCS.CommitID
		}
	}
	return ""
}

// Best is the file that fits the target best, the first of those that fit alike. It is not ok where none fits.
func (t *Target) Best(files []*pythonindex.File) (best *pythonindex.File, ok bool) {
	var rank int
	for _, f := range files {
		if r, fits := t.rank(f); fits && (best == nil || r < rank) {
			best, rank = f, r
		}
	}
	return best, best != nil
}

// rank tells how well a file fits the target, 0 best; a source distribution fits worst.
func (t *Target) rank(f *pythonindex.File) (rank int, fits bool) {
	if f.Wheel == nil {
		return t.tags.Len(), true
	}
	return t.tags.Rank(*f.Wheel)
}
