package embedded

// RepositoryOf implements [imageregistry.Locator]. It is empty for what cannot be the name of an image.
func (r *Registry) RepositoryOf(image string) string {
	repo, err := r.repository(image)
	if err != nil {
		return ""
	}
	return repo.Name()
}
