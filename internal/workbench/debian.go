package workbench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// need returns the path of a program, installing the Debian package of the same name when it is missing.
func (o Options) need(ctx context.Context, program string) (string, error) {
	if found, err := lookPath(program); err == nil {
		return found, nil
	}
	missing := &UnavailableError{What: program, Tried: []string{"it is not on PATH"}, Remedy: "Install it (on Debian: apt-get install " + program + ")."}
	if os.Geteuid() != 0 {
		missing.Tried = append(missing.Tried, "installing it takes root")
		return "", missing
	}
	o.progress("installing Debian's %s", program)
	if err := o.aptGet(ctx, "", "install", "--yes", "--no-install-recommends", program); err != nil {
		missing.Tried = append(missing.Tried, err.Error())
		return "", missing
	}
	return lookPath(program)
}

// lookPath is exec.LookPath that also looks where Debian puts the system's own programs (runc).
func lookPath(program string) (string, error) {
	found, err := exec.LookPath(program)
	if err == nil {
		return found, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if found, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return found, nil
		}
	}
	return "", err
}

// aptGet refreshes apt's lists and runs apt-get in dir. One at a time: apt refuses, instead of waiting for, a second one.
func (o Options) aptGet(ctx context.Context, dir string, args ...string) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("there is no apt-get to install it with")
	}
	cache, err := o.cacheDir()
	if err != nil {
		return err
	}
	unlock, err := lock(ctx, filepath.Join(cache, "apt.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	wait := "DPkg::Lock::Timeout=120"
	// Any broken third-party source fails the update, and most often the package can be had all the same.
	updateErr := run(ctx, dir, env, "apt-get", "--quiet", "-o", wait, "update")
	if err := run(ctx, dir, env, "apt-get", append([]string{"--quiet", "-o", wait}, args...)...); err != nil {
		return errors.Join(updateErr, err)
	}
	return nil
}

// needUnpacked is need for a package whose installation would start a service of the system: its files are unpacked into the
// cache instead of being installed.
func (o Options) needUnpacked(ctx context.Context, program string) (string, error) {
	if found, err := lookPath(program); err == nil {
		return found, nil
	}
	dir, err := o.cacheDir("tools", program)
	if err != nil {
		return "", err
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	unpacked := filepath.Join(dir, "usr/bin", program)
	if _, err := os.Stat(unpacked); err == nil {
		return unpacked, nil
	}
	o.progress("unpacking Debian's %s", program)
	if err := o.unpack(ctx, program, dir); err != nil {
		return "", &UnavailableError{What: program, Tried: []string{"it is not on PATH", err.Error()}, Remedy: "Install it (on Debian: apt-get install " + program + ")."}
	}
	return unpacked, nil
}

func (o Options) unpack(ctx context.Context, pkg, dir string) error {
	if err := o.aptGet(ctx, dir, "download", pkg); err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(dir, pkg+"_*.deb"))
	if err != nil {
		return err
	}
	if len(archives) != 1 {
		return fmt.Errorf("apt-get download %s left %s", pkg, strings.Join(archives, " "))
	}
	if err := run(ctx, dir, nil, "dpkg-deb", "--extract", archives[0], dir); err != nil {
		return err
	}
	return os.Remove(archives[0])
}
