package primehub

import (
	"fmt"
	"net/url"
	"strings"
)

// ConfigError is a configuration that cannot work.
type ConfigError struct {
	// Field is the setting at fault: "endpoint", "api_token" or "config file".
	Field string
	// Problem says what is wrong with it and what to write instead. It shows nothing secret.
	Problem string
}

// Error implements error.
func (e *ConfigError) Error() string { return e.Field + ": " + e.Problem }

// apiPath is where PrimeHub's ingress puts the API (contracts/primehub-api.md §1.1).
const apiPath = "/api/graphql"

// ParseEndpoint returns the address of the API in its one spelling. The platform answers under exactly one path (contracts/primehub-api.md §1.1), so a bare host, a
// "/api" alone and a slash at the end are put right; another path is taken as it is, for installations behind one. An address without a scheme means https.
// A refusal is a [*ConfigError].
func ParseEndpoint(text string) (string, error) {
	refuse := func(format string, arguments ...any) (string, error) {
		return "", &ConfigError{Field: "endpoint", Problem: fmt.Sprintf(format, arguments...)}
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return refuse(`is empty; write the address of PrimeHub's API, such as "https://primehub.example.com/api/graphql"`)
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		// The error of url.Parse quotes the text, which may hold a password.
		return refuse(`is no web address; write one such as "https://primehub.example.com/api/graphql"`)
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("has the scheme %q; write https, or http for a platform without TLS", u.Scheme)
	case u.User != nil:
		return refuse("carries a user; leave that out, the platform knows callers by their API token only")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return refuse("carries a query or a fragment; write only the address, such as %q", u.Scheme+"://"+u.Host+apiPath)
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	switch {
	case path == "":
		path = apiPath
	case strings.HasSuffix(path, "/api"):
		path += "/graphql"
	}
	return u.Scheme + "://" + u.Host + path, nil
}
