package embedded

import "path"

// Location implements [imageregistry.Locator]: the registry's host, and the prefix of the images' repositories in it.
func (r *Registry) Location() string { return path.Join(r.store.registry.Name(), r.directory) }
