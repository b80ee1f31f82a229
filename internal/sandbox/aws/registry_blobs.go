package aws

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
)

// serveUpload passes the upload of a layer on, and remembers a layer that has arrived.
func (c *Cloud) serveUpload(w http.ResponseWriter, p *pull) {
	action := map[string]string{
		http.MethodPost: "ecr:InitiateLayerUpload", http.MethodPatch: "ecr:UploadLayerPart", http.MethodPut: "ecr:CompleteLayerUpload",
	}[p.Method]
	action = cmp.Or(action, "ecr:UploadLayerPart")
	var images *imageStore
	mounted := ""
	if refused := c.enter(p, action, func(r *repository) *failure {
		images = r.images
		if p.Method == http.MethodPost {
			mounted = c.mount(p, r)
		}
		return nil
	}); refused != nil {
		refused.write(w)
		return
	}
	if mounted != "" {
		w.Header().Set("Location", "/v2/"+p.name+"/blobs/"+mounted)
		w.Header().Set("Docker-Content-Digest", mounted)
		w.WriteHeader(http.StatusCreated)
		return
	}
	digest := p.URL.Query().Get("digest")
	watched := &watched{ResponseWriter: w}
	c.blobs.ServeHTTP(watched, withoutMount(p.Request))
	if watched.status == http.StatusCreated && digest != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		images.blobs[digest] = true
	}
}

// mount gives a repository the layer of another one, where the account's setting lets it and a manifest there refers to the layer.
func (c *Cloud) mount(p *pull, to *repository) (digest string) {
	query := p.URL.Query()
	from := c.repositories.get(query.Get("from"))
	digest = query.Get("mount")
	if c.settings["BLOB_MOUNTING"] != "ENABLED" || from == nil || !from.images.refersTo(digest) {
		return ""
	}
	to.images.blobs[digest] = true
	return digest
}

// refersTo tells whether any image has this layer or configuration.
func (v *imageView) refersTo(digest string) bool {
	for _, i := range v.images {
		parts := i.parsed.Layers
		if i.parsed.Config != nil {
			parts = append(slices.Clip(parts), *i.parsed.Config)
		}
		for _, d := range parts {
			if d.Digest == digest {
				return true
			}
		}
	}
	return false
}

// withoutMount is the request as one of a client that mounts nothing: the registry behind keeps the layers of all repositories together.
func withoutMount(r *http.Request) *http.Request {
	query := r.URL.Query()
	if !query.Has("mount") {
		return r
	}
	query.Del("mount")
	query.Del("from")
	path := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
	changed := r.Clone(r.Context())
	changed.URL = &path
	return changed
}

// watched is a ResponseWriter that knows its status.
type watched struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *watched) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// serveBlob serves a layer that was pushed to this repository.
func (c *Cloud) serveBlob(w http.ResponseWriter, p *pull) {
	action := "ecr:GetDownloadUrlForLayer"
	if p.Method == http.MethodHead {
		action = "ecr:BatchCheckLayerAvailability"
	}
	refused := c.enter(p, action, func(r *repository) *failure {
		switch {
		case !p.reads():
			return failed(http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
		case !r.images.blobs[p.reference]:
			return failed(http.StatusNotFound, "BLOB_UNKNOWN", "The layer '%s' could not be found in the repository '%s'", p.reference, p.name)
		}
		return nil
	})
	if refused != nil {
		refused.write(w)
		return
	}
	c.blobs.ServeHTTP(w, p.Request)
}
