package rime

import (
	"fmt"
	"net/url"
	"strings"
)

// ConfigError is a configuration that cannot work.
type ConfigError struct {
	// Field is the attribute at fault: "endpoint" or "api_key".
	Field string
	// Problem says what is wrong with it and what to write instead. It shows nothing secret.
	Problem string
}

// Error implements error.
func (e *ConfigError) Error() string { return e.Field + ": " + e.Problem }

// ParseEndpoint returns the platform's address in its one spelling: scheme, host and path, without a slash at the end. An address
// without a scheme means https; plain http has to be written (contracts/rime-api.md §8 item 20). A refusal is a [*ConfigError].
func ParseEndpoint(text string) (string, error) {
	refuse := func(format string, arguments ...any) (string, error) {
		return "", &ConfigError{Field: "endpoint", Problem: fmt.Sprintf(format, arguments...)}
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return refuse(`is empty; write the platform's web address, such as "https://rime.example.com"`)
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		// The error of url.Parse quotes the text, which may hold a password.
		return refuse(`is no web address; write one such as "https://rime.example.com"`)
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("has the scheme %q; write https, or http for a platform without TLS", u.Scheme)
	case u.User != nil:
		return refuse("carries a user; leave that out, the platform knows callers by api_key only")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return refuse("carries a query or a fragment; write only the address, such as %q", u.Scheme+"://"+u.Host)
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	if base, ok := strings.CutSuffix(path, "/v1"); ok {
		return refuse("ends with /v1, which is part of every request already; write %q", u.Scheme+"://"+u.Host+base)
	}
	return u.Scheme + "://" + u.Host + path, nil
}
