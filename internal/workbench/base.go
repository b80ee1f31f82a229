package workbench

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// PublicBase is the base image used where its registry can be reached.
	PublicBase = "docker.io/library/python:3.11-slim"
	// LocalBaseRepository is where [LocalBaseImage] puts the image within the registry it is given.
	LocalBaseRepository = "base/python"
	// LocalBaseTag is the tag of that image.
	LocalBaseTag = "3.11-slim"
)

// The Debian release is fixed, because its Python is: 3.11 in this one.
const debianRelease = "bookworm"

var debianPackages = []string{"python3", "python3-pip", "python-is-python3", "ca-certificates"}

// BaseImage returns a reference to an image with Python 3.11 and pip: [PublicBase] when it can be had within a few seconds, else
// the one of [LocalBaseImage].
func BaseImage(ctx context.Context, registryHost string, o Options) (ref string, err error) {
	public, err := name.ParseReference(PublicBase)
	if err != nil {
		return "", err
	}
	quick, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	if _, publicErr := remote.Head(public, remote.WithContext(quick)); publicErr == nil {
		return PublicBase, nil
	}
	return LocalBaseImage(ctx, registryHost, o)
}

// LocalBaseImage makes an image with Python 3.11 and pip from Debian's packages, once, and pushes it to the registry
// ("127.0.0.1:5000"). It returns the reference. It returns [*UnavailableError] where Debian's tools cannot be had.
func LocalBaseImage(ctx context.Context, registryHost string, o Options) (ref string, err error) {
	image, err := o.localBase(ctx)
	if err != nil {
		return "", err
	}
	target, err := name.NewTag(registryHost + "/" + LocalBaseRepository + ":" + LocalBaseTag)
	if err != nil {
		return "", err
	}
	if err := remote.Write(target, image, remote.WithContext(ctx)); err != nil {
		return "", fmt.Errorf("pushing the base image: %w", err)
	}
	return target.String(), nil
}

// MakeLocalBase makes the image of [LocalBaseImage], unless it has been made, and pushes it nowhere.
func MakeLocalBase(ctx context.Context, o Options) error {
	_, err := o.localBase(ctx)
	return err
}

// localBase returns the image from the cache, where it is kept as an OCI layout, compressed once and for all.
func (o Options) localBase(ctx context.Context) (v1.Image, error) {
	dir, err := o.cacheDir("base")
	if err != nil {
		return nil, err
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	kept := filepath.Join(dir, key(append(mmdebstrapArguments(), omittedFiles...)...)+"-"+runtime.GOARCH)
	if image, err := firstImage(kept); err == nil {
		return image, nil
	}
	making := kept + ".new"
	if err := os.RemoveAll(making); err != nil { // of a run that was interrupted
		return nil, err
	}
	if err := os.RemoveAll(kept); err != nil {
		return nil, err
	}
	if err := o.makeBase(ctx, making); err != nil {
		return nil, err
	}
	if err := os.Rename(making, kept); err != nil {
		return nil, err
	}
	return firstImage(kept)
}

func firstImage(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) == 0 {
		return nil, errors.New(dir + " holds no image")
	}
	return index.Image(manifest.Manifests[0].Digest)
}

func mmdebstrapArguments() []string {
	return []string{
		"--quiet", "--variant=apt", "--format=tar", "--include=" + strings.Join(debianPackages, ","),
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		debianRelease, "-",
	}
}

// omittedFiles are patterns of what mmdebstrap makes and the image must not have: the name and resolver of this machine, and the mark with
// which Debian keeps pip from installing into the system's Python (the public image has none, and a container is one system for one purpose).
var omittedFiles = []string{"etc/hostname", "etc/resolv.conf", "usr/lib/python3*/EXTERNALLY-MANAGED"}

// makeBase runs mmdebstrap and writes its image into dir.
func (o Options) makeBase(ctx context.Context, dir string) error {
	mmdebstrap, err := o.need(ctx, "mmdebstrap")
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return &UnavailableError{What: "a base image", Tried: []string{"making one takes root"}, Remedy: "Run as root."}
	}
	o.progress("making it from Debian's packages")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files := filepath.Join(dir, "files.tar")
	if err := writeFiltered(ctx, files, mmdebstrap); err != nil {
		return err
	}
	image, err := imageOf(files)
	if err != nil {
		return err
	}
	kept, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := kept.AppendImage(image); err != nil {
		return err
	}
	return os.Remove(files)
}

// writeFiltered writes what mmdebstrap makes, without the omitted files.
func writeFiltered(ctx context.Context, file, mmdebstrap string) (err error) {
	cmd := command(ctx, mmdebstrap, mmdebstrapArguments()...)
	// The same packages then give the same bytes, and the image the same digest.
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=0")
	var words strings.Builder
	cmd.Stderr = &words
	made, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := cmd.Start(); err != nil {
		return err
	}
	copyErr := copyFiltered(out, made)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("mmdebstrap: %w\n%s", err, lastLines(words.String()))
	}
	return copyErr
}

func copyFiltered(w io.Writer, r io.Reader) error {
	in, out := tar.NewReader(r), tar.NewWriter(w)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			_, drainErr := io.Copy(io.Discard, r) // the writer must not fail on its last padding
			return errors.Join(out.Close(), drainErr)
		}
		if err != nil {
			return err
		}
		if omitted(header.Name) {
			continue
		}
		if err := out.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
	}
}

func omitted(file string) bool {
	return slices.ContainsFunc(omittedFiles, func(pattern string) bool {
		match, _ := path.Match(pattern, path.Clean(file)) // the patterns are constants
		return match
	})
}

// imageOf makes an image of one layer.
func imageOf(layerFile string) (v1.Image, error) {
	layer, err := tarball.LayerFromFile(layerFile, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: "mmdebstrap " + debianRelease}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config = v1.Config{
		Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Cmd: []string{"python3"},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "Debian " + debianRelease + " with Python and pip",
			"org.opencontainers.image.description": "made by the workbench of terraform-provider-rime, in place of " + PublicBase,
		},
	}
	return mutate.ConfigFile(image, config)
}
