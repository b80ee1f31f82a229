package aws

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (c *Cloud) serveManifest(w http.ResponseWriter, p *pull) {
	switch p.Method {
	case http.MethodGet, http.MethodHead:
		c.getManifest(w, p)
	case http.MethodPut:
		c.putManifest(w, p)
	case http.MethodDelete:
		c.deleteManifest(w, p)
	default:
		failed(http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.").write(w)
	}
}

// id is the image that a path refers to.
func (p *pull) id() imageID {
	if p.isTag() {
		return imageID{ImageTag: p.reference}
	}
	return imageID{ImageDigest: p.reference}
}

// manifest finds the image that a path refers to.
func (p *pull) manifest(r *repository) (*image, *failure) {
	i, code := r.images.get(p.id())
	if code != "" || i.isArchived() {
		return nil, failed(http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found")
	}
	return i, nil
}

func (c *Cloud) getManifest(w http.ResponseWriter, p *pull) {
	var found *image
	if refused := c.enter(p, "ecr:BatchGetImage", func(r *repository) (refused *failure) {
		if found, refused = p.manifest(r); refused == nil {
			found.pulled = c.now
		}
		return refused
	}); refused != nil {
		refused.write(w)
		return
	}
	w.Header().Set("Content-Type", found.mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(found.manifest)))
	w.Header().Set("Docker-Content-Digest", found.digest)
	if p.Method == http.MethodGet {
		_, _ = w.Write(found.manifest) // an error means that the client has gone
	}
}

func (c *Cloud) putManifest(w http.ResponseWriter, p *pull) {
	content, err := io.ReadAll(http.MaxBytesReader(w, p.Body, maxManifest))
	var parts manifestParts
	if err != nil || json.Unmarshal(content, &parts) != nil {
		failed(http.StatusBadRequest, "MANIFEST_INVALID", "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'").write(w)
		return
	}
	tag := ""
	if p.isTag() {
		tag = p.reference
	}
	var kept *image
	if refused := c.enter(p, "ecr:PutImage", func(r *repository) *failure {
		if tag == "" && p.reference != digestOf(content) {
			return failed(http.StatusBadRequest, "DIGEST_INVALID", "Image digest does not match the provided image content.")
		}
		if tag != "" && !validTag(tag) {
			return failed(http.StatusBadRequest, "TAG_INVALID", "Invalid parameter at 'imageTag' failed to satisfy constraint: "+
				"'must satisfy regular expression '[a-zA-Z0-9_][a-zA-Z0-9-_.]*''")
		}
		if err := c.takesImage(r, content, parts, tag); err != nil {
			return inRegistry(err)
		}
		kept = c.keep(r.images, content, orDefault(p.Header.Get("Content-Type"), parts.MediaType), tag)
		return nil
	}); refused != nil {
		refused.write(w)
		return
	}
	if subject := kept.subject(); subject != "" {
		w.Header().Set("OCI-Subject", subject)
	}
	w.Header().Set("Location", "/v2/"+p.name+"/manifests/"+kept.digest)
	w.Header().Set("Docker-Content-Digest", kept.digest)
	w.WriteHeader(http.StatusCreated)
}

func orDefault(value, otherwise string) string {
	value = cmp.Or(value, otherwise)
	return value
}

func validTag(tag string) bool {
	return checkImageIDs([]imageID{{ImageTag: tag}}, 1) == nil && len(tag) <= 128
}

// inRegistry is how the registry says what PutImage answers with. A tag that cannot move is invalid to it, even if it would not move.
func inRegistry(err error) *failure {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return failed(http.StatusInternalServerError, "UNKNOWN", "%v", err)
	}
	switch refused.code {
	case "ImageTagAlreadyExistsException":
		return failed(http.StatusBadRequest, "TAG_INVALID", "%s", refused.message)
	case "LayersNotFoundException":
		return failed(http.StatusNotFound, "BLOB_UNKNOWN", "%s", refused.message)
	case "ReferencedImagesNotFoundException":
		return failed(http.StatusNotFound, "NAME_UNKNOWN", "%s", refused.message)
	}
	return failed(http.StatusBadRequest, "MANIFEST_INVALID", "%s", refused.message)
}

func (c *Cloud) deleteManifest(w http.ResponseWriter, p *pull) {
	if refused := c.enter(p, "ecr:BatchDeleteImage", func(r *repository) *failure {
		found, refused := p.manifest(r)
		if refused != nil {
			return refused
		}
		tags := r.images.tagsOf(found.digest)
		switch indexes := r.images.referencing(found.digest); {
		case p.isTag() && len(tags) > 1:
			c.untag(r.images, p.reference)
		case len(indexes) > 0:
			return failed(http.StatusForbidden, "DENIED", "Requested image referenced by manifest list: [%s]", strings.Join(indexes, ", "))
		default:
			c.remove(r.images, found.digest)
		}
		return nil
	}); refused != nil {
		refused.write(w)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// serveTags lists tags in lexical order, in pages of at most a thousand.
func (c *Cloud) serveTags(w http.ResponseWriter, p *pull) {
	var page []string
	last := ""
	if refused := c.enter(p, "ecr:ListImages", func(r *repository) *failure {
		size, err := strconv.Atoi(orDefault(p.URL.Query().Get("n"), "100"))
		if err != nil || size < 1 {
			return failed(http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
		}
		tags := slices.Collect(maps.Keys(r.images.tags))
		page, last = pageAfter(tags, p.URL.Query().Get("last"), min(size, 1000), func(tag string) string { return tag })
		return nil
	}); refused != nil {
		refused.write(w)
		return
	}
	if last != "" {
		query := url.Values{"last": {last}, "n": {strconv.Itoa(len(page))}}
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, p.URL.Path, query.Encode()))
	}
	writeJSON(w, http.StatusOK, struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}{p.name, append([]string{}, page...)})
}

// referrer is an artifact about an image, in the list of all of them.
type referrer struct {
	descriptor
	ArtifactType string `json:"artifactType,omitempty"`
}

// serveReferrers lists the artifacts about an image, as the distribution specification 1.1 has it.
func (c *Cloud) serveReferrers(w http.ResponseWriter, p *pull) {
	found := []referrer{}
	if refused := c.enter(p, "ecr:BatchGetImage", func(r *repository) *failure {
		for _, i := range slices.Backward(r.images.youngestFirst()) {
			if i.subject() == p.reference {
				found = append(found, referrer{descriptor{i.mediaType, i.digest, int64(len(i.manifest))}, i.artifactType()})
			}
		}
		return nil
	}); refused != nil {
		refused.write(w)
		return
	}
	const mediaType = "application/vnd.oci.image.index.v1+json"
	w.Header().Set("Content-Type", mediaType)
	_ = json.NewEncoder(w).Encode(struct { // an error means that the client has gone
		SchemaVersion int        `json:"schemaVersion"`
		MediaType     string     `json:"mediaType"`
		Manifests     []referrer `json:"manifests"`
	}{2, mediaType, found})
}
