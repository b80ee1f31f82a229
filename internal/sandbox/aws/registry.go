package aws

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
)

// maxManifest is the longest manifest that ECR takes, in bytes.
const maxManifest = 4 << 20

// The paths of the distribution specification. A repository's name may have slashes.
var (
	manifestPath  = regexp.MustCompile(`^/v2/(.+)/manifests/([^/]+)$`)
	uploadsPath   = regexp.MustCompile(`^/v2/(.+)/blobs/uploads(?:/.*)?$`)
	blobPath      = regexp.MustCompile(`^/v2/(.+)/blobs/([^/]+)$`)
	tagsPath      = regexp.MustCompile(`^/v2/(.+)/tags/list$`)
	referrersPath = regexp.MustCompile(`^/v2/(.+)/referrers/([^/]+)$`)
)

// serveRegistry is the registry of ECR. What belongs to an account is its own: who may do what, which repositories and images there are.
// Uploads and layers are those of the registry behind it.
func (c *Cloud) serveRegistry(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	by, refused := c.login(r)
	if refused != nil {
		refused.write(w)
		return
	}
	path := r.URL.Path
	if path == "/v2/" || path == "/v2" {
		w.WriteHeader(http.StatusOK)
		return
	}
	for _, route := range []struct {
		path  *regexp.Regexp
		serve func(http.ResponseWriter, *pull)
	}{
		{manifestPath, c.serveManifest}, {uploadsPath, c.serveUpload}, {blobPath, c.serveBlob}, {tagsPath, c.serveTags}, {referrersPath, c.serveReferrers},
	} {
		if found := route.path.FindStringSubmatch(path); found != nil {
			p := &pull{Request: r, by: by, name: found[1]}
			if len(found) > 2 {
				p.reference = found[2]
			}
			route.serve(w, p)
			return
		}
	}
	failed(http.StatusNotFound, "UNSUPPORTED", "Invalid or unsupported endpoint").write(w)
}

// pull is a request to the registry, of a pull or a push.
type pull struct {
	*http.Request
	by              *principal
	name, reference string
}

func (p *pull) isTag() bool { return !strings.Contains(p.reference, ":") }

func (p *pull) reads() bool { return p.Method == http.MethodGet || p.Method == http.MethodHead }

// failure is an error of the distribution specification.
type failure struct {
	status        int
	code, message string
	header        http.Header
}

func failed(status int, code, format string, args ...any) *failure {
	return &failure{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func (f *failure) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), f.header)
	if f.code == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(f.status)
		_, _ = w.Write([]byte(f.message)) // an error means that the client has gone
		return
	}
	type entry struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	writeJSON(w, f.status, struct {
		Errors []entry `json:"errors"`
	}{[]entry{{f.code, f.message}}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error means that the client has gone
}

// login finds out who a request is from.
func (c *Cloud) login(r *http.Request) (*principal, *failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.options.Clock()
	user, password, _ := r.BasicAuth()
	if user == "" && password == "" {
		refused := failed(http.StatusUnauthorized, "", "Not Authorized\n")
		refused.header = http.Header{"Www-Authenticate": {fmt.Sprintf(`Basic realm="%s/",service="ecr.amazonaws.com"`, c.proxyEndpoint())}}
		return nil, refused
	}
	by, known, good := c.bearer(user, password)
	switch {
	case !known:
		return nil, failed(http.StatusBadRequest, "DENIED", "Your Authorization Token is invalid.")
	case !good:
		return nil, failed(http.StatusForbidden, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
	}
	return by, nil
}

// enter lets a request do an action on its repository: it is allowed, not too soon, and the repository is there. A push to one that is not
// there creates it if a template says so. Do runs while nothing else can change.
func (c *Cloud) enter(p *pull, action string, do func(*repository) *failure) *failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.options.Clock()
	refused := c.admit(p, action)
	if refused == nil {
		var r *repository
		if r, refused = c.repositoryOf(p, action); refused == nil {
			refused = do(r)
		}
	}
	code := ""
	if refused != nil {
		code = refused.code
	}
	c.record(action, p.by, code)
	return refused
}

func (c *Cloud) admit(p *pull, action string) *failure {
	service, name, _ := strings.Cut(action, ":")
	if c.throttled(service, name) {
		return failed(http.StatusTooManyRequests, "TOOMANYREQUESTS", "Rate exceeded")
	}
	if sentence := c.denied(p.by, action, c.repositoryARN(p.name)); sentence != "" {
		return failed(http.StatusForbidden, "DENIED", "%s", sentence)
	}
	return nil
}

func (c *Cloud) repositoryOf(p *pull, action string) (*repository, *failure) {
	if !validRepository.MatchString(p.name) || len(p.name) > 256 {
		return nil, failed(http.StatusBadRequest, "NAME_INVALID", "Invalid parameter at 'repositoryName' failed to satisfy constraint: "+
			"'must satisfy regular expression '%s''", repositoryPattern)
	}
	if r := c.repositories.get(p.name); r != nil {
		if truth := c.repositories.truth(p.name); truth != nil {
			return truth, nil
		}
	}
	if action == "ecr:InitiateLayerUpload" && !c.repositories.taken(p.name) {
		if t := c.templateFor(p.name); t != nil {
			return c.createFrom(t, p.name), nil
		}
	}
	return nil, failed(http.StatusNotFound, "NAME_UNKNOWN", "The repository with name '%s' does not exist in the registry with id '%s'",
		p.name, c.options.Account)
}

// createFrom creates the repository of a push. It is there at once for the push, which could not go on otherwise.
func (c *Cloud) createFrom(t *template, name string) *repository {
	r := &repository{
		name: name, created: c.now, mutability: t.mutability, encryption: t.encryption, policy: t.policy, tags: t.tags, images: newImageStore(),
	}
	if t.lifecycle != "" {
		r.lifecycle = asKept(t.lifecycle)
	}
	lag := c.lag
	c.lag = Lag{}
	c.repositories.set(name, r)
	c.lag = lag
	return r
}
