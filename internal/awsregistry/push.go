package awsregistry

import (
	"net/http"
	"strings"
)

// Transport keeps the requests of an OCI client to the ECR registry at that host[:port] within the quotas of the actions that ECR counts them as. Requests to other
// hosts are passed on as they are.
func (l *Limiter) Transport(host string, next http.RoundTripper) http.RoundTripper {
	return &limitedTransport{limiter: l, host: host, next: next}
}

type limitedTransport struct {
	limiter *Limiter
	host    string
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *limitedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	action := actionOf(req)
	if action == "" || req.URL.Host != t.host {
		return t.next.RoundTrip(req)
	}
	if err := t.limiter.Wait(req.Context(), action); err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		t.limiter.Throttled(action)
	}
	return resp, err
}

// actionOf is what ECR counts a request of the OCI distribution API as ("Amazon ECR service quotas"); empty where it has no quota.
func actionOf(req *http.Request) string {
	path := req.URL.Path
	isBlob, isManifest := strings.Contains(path, "/blobs/"), strings.Contains(path, "/manifests/")
	isUpload := strings.Contains(path, "/blobs/uploads/")
	switch {
	case isUpload && req.Method == http.MethodPost:
		return "InitiateLayerUpload"
	case isUpload && req.Method == http.MethodPatch:
		return "UploadLayerPart"
	case isUpload && req.Method == http.MethodPut:
		return "CompleteLayerUpload"
	case isBlob && req.Method == http.MethodHead:
		return "BatchCheckLayerAvailability"
	case isBlob && req.Method == http.MethodGet:
		return "GetDownloadUrlForLayer"
	case isManifest && req.Method == http.MethodPut:
		return "PutImage"
	case isManifest && (req.Method == http.MethodGet || req.Method == http.MethodHead):
		return "BatchGetImage"
	}
	return ""
}
