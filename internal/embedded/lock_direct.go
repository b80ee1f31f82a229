package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/lockfile"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pylock"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// looks is how many addresses are looked at at one time: archives are large.
const looks = 4

// direct are the files of the requirements that have an address, by name. Commits that the lock has stay.
func (l *locking) direct(ctx context.Context, target *resolve.Target, keep pylock.Lock) (map[string]*pythonindex.File, error) {
	var mu sync.Mutex
	found := map[string]*pythonindex.File{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(looks)
	seen := map[string]bool{}
	for _, r := range l.request.Requirements {
		if r.URL == "" || seen[r.Name] { // the resolver tells a second address
			continue
		}
		if holds, err := r.Marker.Holds(target.Environment()); err != nil || !holds { // the resolver tells the error
			continue
		}
		seen[r.Name] = true
		group.Go(func() error {
			file, err := l.index.Direct(ctx, r.Name, r.URL, resolve.KeptCommit(keep, target, r.Name, r.URL))
			mu.Lock()
			defer mu.Unlock()
			found[r.Name] = file
			return err
		})
	}
	err := group.Wait()
	return found, err
}

// pinDirect is the file at the address of an entry of a lock file. The lock may know its version where the file does not tell.
func (l *locking) pinDirect(ctx context.Context, target *resolve.Target, entry lockfile.Entry) (resolve.Pin, error) {
	file, err := l.index.Direct(ctx, entry.Name, entry.Address, "")
	version := entry.Version
	switch unlockable, ok := errors.AsType[*pythonindex.UnlockableError](err); {
	case ok && (file.SHA256 == "" || version.String() == ""):
		return resolve.Pin{}, &LockFileError{unlockable}
	case err != nil && !ok:
		return resolve.Pin{}, err
	case !ok:
		version = file.Version
	}
	var problem string
	switch _, fits := target.Best([]*pythonindex.File{file}); {
	case len(entry.Hashes) > 0 && !slices.Contains(entry.Hashes, file.SHA256):
		problem = "what is at the address of %s is not what was locked: its SHA-256 is " + file.SHA256
	case entry.Version.String() != "" && version.Compare(entry.Version) != 0:
		problem = fmt.Sprintf("what is at the address of %%s is version %s, and the lock has %s", version, entry.Version)
	case file.Wheel == nil && entry.WheelsOnly:
		problem = "%s is not to be built, and has no wheel at its address"
	case !fits:
		problem = "the wheel at the address of %s does not fit the image's Python and platform"
	default:
		return resolve.Pin{Name: entry.Name, Version: version, File: file}, nil
	}
	return resolve.Pin{}, &LockFileError{fmt.Errorf(problem, entry.Name)}
}
