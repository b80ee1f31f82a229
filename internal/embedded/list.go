package embedded

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// List implements [imageregistry.Registry]. It needs a registry that lists its repositories; one that does not is a [*CatalogError].
func (r *Registry) List(ctx context.Context, filter imageregistry.Filter) iter.Seq2[imageregistry.Image, error] {
	return func(yield func(imageregistry.Image, error) bool) {
		names, err := r.names(ctx)
		if err != nil {
			yield(imageregistry.Image{}, err)
			return
		}
		for chunk := range slices.Chunk(names, 8*r.config.Options.Concurrency) {
			images, err := r.readAll(ctx, chunk)
			if err != nil {
				yield(imageregistry.Image{}, err)
				return
			}
			for _, image := range images {
				if matches(image, filter) && !yield(image, nil) {
					return
				}
			}
		}
	}
}

// names are the names of what may be images, sorted.
func (r *Registry) names(ctx context.Context) ([]string, error) {
	repositories, err := r.repositories(ctx)
	if err != nil {
		return nil, err
	}
	prefix := ""
	if r.directory != "" {
		prefix = r.directory + "/"
	}
	var names []string
	for _, repository := range repositories {
		if image, ours := strings.CutPrefix(repository, prefix); ours && imageName.MatchString(image) {
			names = append(names, image)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// repositories lists those of the registry, or at least those of ours.
func (r *Registry) repositories(ctx context.Context) ([]string, error) {
	if r.config.Repositories != nil {
		return r.config.Repositories.List(ctx, r.directory)
	}
	return r.store.repositories(ctx)
}

// readAll reads images side by side. A repository without record is no image.
func (r *Registry) readAll(ctx context.Context, names []string) ([]imageregistry.Image, error) {
	images := make([]imageregistry.Image, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.config.Options.Concurrency)
	for i, image := range names {
		group.Go(func() (err error) {
			images[i], err = r.Get(ctx, image)
			if errors.Is(err, imageregistry.ErrNotFound) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(images, func(image imageregistry.Image) bool { return image.Name == "" }), nil
}

// matches tells whether everything that the filter asks for is installed.
func matches(image imageregistry.Image, filter imageregistry.Filter) bool {
	for _, wanted := range filter.PipLibraries {
		installed := slices.ContainsFunc(image.PipLibraries, func(l imageregistry.PipLibrary) bool {
			return pep508.NormalizeName(l.Name) == pep508.NormalizeName(wanted.Name) &&
				(wanted.Version == "" || wanted.Version == l.Version)
		})
		if !installed {
			return false
		}
	}
	return true
}

// repositories lists the repositories of the registry.
func (s *store) repositories(ctx context.Context) ([]string, error) {
	var repositories []string
	err := s.call(ctx, http.MethodGet, s.registry.RegistryStr()+"/v2/_catalog", func(ctx context.Context) (err error) {
		repositories, err = s.puller.Catalog(ctx, s.registry)
		return err
	})
	if answer, ok := errors.AsType[*APIError](err); ok {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
			return nil, &CatalogError{Registry: s.registry.RegistryStr(), Err: err}
		}
	}
	return repositories, err
}
