package workbench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// installed are the Debian packages that are installed where they are missing: each has a program of its name.
var installed = []string{"runc", "mmdebstrap", "skopeo"}

// unpacked are those whose installation would start a service of the system: their files are unpacked into the cache.
var unpacked = []string{"docker-registry"}

// Tools gets every program that tests and the quickstart take from Debian, so that no test lacks one later. It returns
// [*UnavailableError] for the first that cannot be had.
func Tools(ctx context.Context, o Options) error {
	var missing []string
	for _, program := range installed {
		if _, err := lookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	if err := o.install(ctx, missing...); err != nil {
		return err
	}
	if _, err := Python(ctx, o); err != nil {
		return err
	}
	for _, program := range unpacked {
		if _, err := o.needUnpacked(ctx, program); err != nil {
			return err
		}
	}
	return nil
}

// Tool returns the path of one of the programs of [Tools], or [*UnavailableError].
func Tool(ctx context.Context, o Options, program string) (string, error) {
	if slices.Contains(unpacked, program) {
		return o.needUnpacked(ctx, program)
	}
	return o.need(ctx, program)
}

// Python returns the path of a Python 3 that has pip, or [*UnavailableError].
func Python(ctx context.Context, o Options) (string, error) {
	if python, err := pythonWithPip(ctx); err == nil {
		return python, nil
	}
	if err := o.install(ctx, "python3-pip"); err != nil {
		return "", err
	}
	python, err := pythonWithPip(ctx)
	if err != nil {
		return "", &UnavailableError{What: "Python with pip", Tried: []string{err.Error()}, Remedy: "Install python3-pip."}
	}
	return python, nil
}

func pythonWithPip(ctx context.Context) (string, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		return "", err
	}
	return python, run(ctx, "", nil, python, "-c", "import pip")
}

// MustHaveTools tells whether this is a machine where everything can be had: Debian or one of its children, as root. What is
// missing there is a failure of the machine, and elsewhere a reason to skip a test.
func MustHaveTools() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0
}

// need returns the path of a program, installing the Debian package of the same name when it is missing.
func (o Options) need(ctx context.Context, program string) (string, error) {
	if found, err := lookPath(program); err == nil {
		return found, nil
	}
	if err := o.install(ctx, program); err != nil {
		return "", err
	}
	return lookPath(program)
}

// install installs Debian's packages, all at once.
func (o Options) install(ctx context.Context, packages ...string) error {
	if len(packages) == 0 {
		return nil
	}
	names := strings.Join(packages, " ")
	missing := &UnavailableError{
		What: strings.Join(packages, ", "), Tried: []string{"it is not on PATH"}, Remedy: "Install it (on Debian: apt-get install " + names + ").",
	}
	if os.Geteuid() != 0 {
		missing.Tried = append(missing.Tried, "installing it takes root")
		return missing
	}
	o.progress("installing Debian's %s", names)
	if err := o.aptGet(ctx, "", append([]string{"install", "--yes", "--no-install-recommends"}, packages...)...); err != nil {
		missing.Tried = append(missing.Tried, err.Error())
		return missing
	}
	return nil
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
	binary := filepath.Join(dir, "usr/bin", program)
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	o.progress("unpacking Debian's %s", program)
	if err := o.unpack(ctx, program, dir); err != nil {
		return "", &UnavailableError{What: program, Tried: []string{"it is not on PATH", err.Error()}, Remedy: "Install it (on Debian: apt-get install " + program + ")."}
	}
	return binary, nil
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
