package rime

import (
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// ConfigError is a configuration that cannot work. Its field is "endpoint" or "api_key".
type ConfigError = httpx.ConfigError

var address = httpx.Address{What: "the platform's web address", Example: "https://rime.example.com", Caller: "api_key"}

// ParseEndpoint returns the platform's address in its one spelling: scheme, host and path, without a slash at the end. An address
// without a scheme means https; plain http has to be written (CONTRACT §8 item 20). A refusal is a [*ConfigError].
func ParseEndpoint(text string) (string, error) {
	origin, path, err := address.Parse(text)
	if err != nil {
		return "", err
	}
	if strings.HasSuffix(path, "/v1") {
		return "", &ConfigError{Field: "endpoint", Problem: "ends with /v1, which is part of every request already; leave that out"}
	}
	return origin + path, nil
}

// Location implements [imageregistry.Locator]: the platform's address, in its one spelling.
func (r *Registry) Location() string { return r.client.endpoint }
