package httpx

import (
	"fmt"
	"net/url"
	"strings"
)

// ConfigError is a configuration with which no platform can be reached.
type ConfigError struct {
	// Field is the setting at fault, by the name that its user knows.
	Field string
	// Problem says what is wrong with it and what to write instead. It shows nothing secret.
	Problem string
}

// Error implements error.
func (e *ConfigError) Error() string { return e.Field + ": " + e.Problem }

// Address says how the address of an API is written.
type Address struct {
	// What it is, in words: "the platform's web address".
	What string
	// Example is one as it should be.
	Example string
	// Caller is what tells the platform who calls, in words: "api_key".
	Caller string
}

// Parse returns an address in parts: scheme and host, and the path as it was escaped, without a slash at the end. An address without a scheme means https; plain
// http has to be written. A refusal is a [*ConfigError] of the field "endpoint".
func (a Address) Parse(text string) (origin, path string, err error) {
	refuse := func(format string, arguments ...any) (string, string, error) {
		return "", "", &ConfigError{Field: "endpoint", Problem: fmt.Sprintf(format, arguments...)}
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return refuse("is empty; write %s, such as %q", a.What, a.Example)
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		// The error of url.Parse quotes the text, which may hold a password.
		return refuse("is no web address; write one such as %q", a.Example)
	}
	origin = u.Scheme + "://" + u.Host
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("has the scheme %q; write https, or http for a platform without TLS", u.Scheme)
	case u.User != nil:
		return refuse("carries a user; leave that out, the platform knows callers by %s only", a.Caller)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(text, "#"):
		return refuse("carries a query or a fragment; write only the address, such as %q", a.Example)
	}
	return origin, strings.TrimRight(u.EscapedPath(), "/"), nil
}

// ParseToken returns what tells a platform who calls, without the white space around it: one that was read from a file ends with a line end. Of an empty one the error says
// how to get one. A refusal is a [*ConfigError] of the field, and does not show the token.
func ParseToken(field, text, howToGetOne string) (string, error) {
	token := strings.TrimSpace(text)
	switch {
	case token == "":
		return "", &ConfigError{Field: field, Problem: "is empty; " + howToGetOne}
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", &ConfigError{Field: field, Problem: "holds characters that no token has; it may have been copied with something around it"}
	}
	return token, nil
}
