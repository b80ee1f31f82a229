// Package oci is an OCI registry for tests, demonstrations and the quickstart: real enough for BuildKit, skopeo and
// containerd, kept on disk so that it survives a restart, and able to fail on demand.
//
// Blobs are served by go-containerregistry's registry. Manifests, tags and listings are not: there, they live in memory only, a
// manifest that is deleted leaves its tags, and listings know no pages. What this one does is checked against Debian's
// docker-registry. It keeps blobs for all repositories together, removes none, and has no referrers (clients then look for the
// tag that stands in for them).
package oci

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Options of a registry.
type Options struct {
	// DataDir keeps everything. Empty means a temporary directory, removed by [Server.Close].
	DataDir string
	// Username and Password, when set, are asked for with HTTP basic authentication.
	Username, Password string
	// ImmutableTags refuses to move a tag to another manifest, as ECR can.
	ImmutableTags bool
}

// Registry is the handler of an OCI registry.
type Registry struct {
	options   Options
	blobs     blobStore
	manifests *manifestStore
	mux       *http.ServeMux
}

// New returns a registry that keeps everything in the directory.
func New(o Options) (*Registry, error) {
	if o.DataDir == "" {
		return nil, errors.New("a registry needs a data directory")
	}
	r := &Registry{
		options:   o,
		blobs:     blobStore{dir: filepath.Join(o.DataDir, "blobs")},
		manifests: &manifestStore{dir: filepath.Join(o.DataDir, "repositories")},
		mux:       http.NewServeMux(),
	}
	for _, dir := range []string{r.blobs.dir, r.manifests.dir} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	blobs := registry.New(registry.WithBlobHandler(r.blobs), registry.Logger(log.New(io.Discard, "", 0)))
	r.mux.Handle("/", blobs)
	r.mux.HandleFunc("GET /v2/_catalog", r.catalog)
	return r, nil
}

// The names of the distribution specification. A repository's name may have slashes, so that a pattern of ServeMux cannot hold it.
var (
	namePattern  = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*`
	manifestPath = regexp.MustCompile(`^/v2/(.+)/manifests/([^/]+)$`)
	tagsPath     = regexp.MustCompile(`^/v2/(.+)/tags/list$`)
	validName    = regexp.MustCompile(`^` + namePattern + `$`)
	validTag     = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

func isDigest(reference string) bool { return strings.Contains(reference, ":") }

// ServeHTTP implements [http.Handler].
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	if !r.authorized(req) {
		w.Header().Set("WWW-Authenticate", `Basic realm="rime-sandbox"`)
		writeError(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
		return
	}
	path := req.URL.Path
	if m := manifestPath.FindStringSubmatch(path); m != nil {
		r.serveManifest(w, req, m[1], m[2])
	} else if m := tagsPath.FindStringSubmatch(path); m != nil {
		r.listTags(w, req, m[1])
	} else {
		r.mux.ServeHTTP(w, req)
	}
}

func (r *Registry) authorized(req *http.Request) bool {
	if r.options.Username == "" {
		return true
	}
	user, password, _ := req.BasicAuth()
	return subtle.ConstantTimeCompare([]byte(user+"\x00"+password), []byte(r.options.Username+"\x00"+r.options.Password)) == 1
}

func (r *Registry) serveManifest(w http.ResponseWriter, req *http.Request, repository, reference string) {
	if !validName.MatchString(repository) {
		writeError(w, http.StatusBadRequest, "NAME_INVALID", "invalid repository name")
		return
	}
	if _, err := v1.NewHash(reference); err != nil && !validTag.MatchString(reference) {
		code := "TAG_INVALID"
		if isDigest(reference) {
			code = "DIGEST_INVALID"
		}
		writeError(w, http.StatusBadRequest, code, "invalid reference")
		return
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		r.getManifest(w, req, repository, reference)
	case http.MethodPut:
		r.putManifest(w, req, repository, reference)
	case http.MethodDelete:
		r.deleteManifest(w, repository, reference)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (r *Registry) getManifest(w http.ResponseWriter, req *http.Request, repository, reference string) {
	m, err := r.manifests.get(repository, reference)
	if err != nil {
		r.writeStoreError(w, err)
		return
	}
	w.Header().Set("Content-Type", m.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(m.content)))
	w.Header().Set("Docker-Content-Digest", m.digest.String())
	if req.Method == http.MethodGet {
		_, _ = w.Write(m.content) // an error means that the client has gone
	}
}

// maxManifest is what the distribution specification asks a registry to take at least.
const maxManifest = 4 << 20

func (r *Registry) putManifest(w http.ResponseWriter, req *http.Request, repository, reference string) {
	content, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxManifest))
	if err != nil {
		writeError(w, http.StatusBadRequest, "MANIFEST_INVALID", err.Error())
		return
	}
	m := manifest{contentType: req.Header.Get("Content-Type"), content: content, digest: digestOf(content)}
	if !json.Valid(content) {
		writeError(w, http.StatusBadRequest, "MANIFEST_INVALID", "not JSON")
		return
	}
	if isDigest(reference) && reference != m.digest.String() {
		writeError(w, http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content")
		return
	}
	if missing, found := r.manifests.missing(repository, m, r.blobs); found {
		writeError(w, http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry: "+missing.String())
		return
	}
	if err := r.manifests.put(repository, reference, m, r.options.ImmutableTags); err != nil {
		r.writeStoreError(w, err)
		return
	}
	w.Header().Set("Location", "/v2/"+repository+"/manifests/"+m.digest.String())
	w.Header().Set("Docker-Content-Digest", m.digest.String())
	w.WriteHeader(http.StatusCreated)
}

func (r *Registry) deleteManifest(w http.ResponseWriter, repository, reference string) {
	if err := r.manifests.remove(repository, reference); err != nil {
		r.writeStoreError(w, err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (r *Registry) listTags(w http.ResponseWriter, req *http.Request, repository string) {
	if !r.manifests.exists(repository) {
		writeError(w, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
		return
	}
	tags, err := r.manifests.tags(repository)
	if err != nil {
		r.writeStoreError(w, err)
		return
	}
	writePage(w, req, tags, func(page []string) any {
		return struct {
			Name string   `json:"name"`
			Tags []string `json:"tags"`
		}{repository, page}
	})
}

func (r *Registry) catalog(w http.ResponseWriter, req *http.Request) {
	names, err := r.manifests.repositories()
	if err != nil {
		r.writeStoreError(w, err)
		return
	}
	writePage(w, req, names, func(page []string) any {
		return struct {
			Repositories []string `json:"repositories"`
		}{page}
	})
}

// writePage writes the part of a sorted list that the query asks for ("n" entries after "last"), and the link to the next.
func writePage(w http.ResponseWriter, req *http.Request, all []string, body func([]string) any) {
	query := req.URL.Query()
	if last := query.Get("last"); last != "" {
		i, found := slices.BinarySearch(all, last)
		if found {
			i++
		}
		all = all[i:]
	}
	if text := query.Get("n"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			writeError(w, http.StatusBadRequest, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
			return
		}
		if n < len(all) {
			all = all[:n]
			if n > 0 {
				next := url.URL{Path: req.URL.Path, RawQuery: url.Values{"n": {text}, "last": {all[n-1]}}.Encode()}
				w.Header().Set("Link", fmt.Sprintf("<%s>; rel=\"next\"", next.String()))
			}
		}
	}
	writeJSON(w, http.StatusOK, body(all))
}

// writeStoreError answers for what the store could not do.
func (r *Registry) writeStoreError(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		writeError(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
	case errors.Is(err, errImmutable):
		writeError(w, http.StatusBadRequest, "TAG_INVALID", err.Error())
	default:
		writeError(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
	}
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	type entry struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	writeJSON(w, status, struct {
		Errors []entry `json:"errors"`
	}{[]entry{{code, message}}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has gone
}
