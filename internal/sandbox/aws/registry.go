package aws

import "net/http"

// maxManifest is the longest manifest that ECR takes, in bytes.
const maxManifest = 4 << 20

// serveRegistry is the registry of ECR.
func (c *Cloud) serveRegistry(w http.ResponseWriter, r *http.Request) {
	c.blobs.ServeHTTP(w, r)
}
