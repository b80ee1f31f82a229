package httpx_test

import (
	"errors"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	address := httpx.Address{What: "the address of the API", Example: "https://api.example.com/api", Caller: "their token"}
	for text, want := range map[string][2]string{
		"api.example.com":                    {"https://api.example.com", ""},
		" http://api.example.com:8080/// \n": {"http://api.example.com:8080", ""},
		"https://api.example.com/a%2Fb/":     {"https://api.example.com", "/a%2Fb"},
	} {
		if origin, path, err := address.Parse(text); err != nil || origin != want[0] || path != want[1] {
			t.Errorf("%q: %q, %q, %v", text, origin, path, err)
		}
	}
	for text, want := range map[string]string{
		"":                               `endpoint: is empty; write the address of the API, such as "https://api.example.com/api"`,
		"https://ada:hunter2@host:port":  `endpoint: is no web address; write one such as "https://api.example.com/api"`,
		"ftp://api.example.com":          `endpoint: has the scheme "ftp"; write https, or http for a platform without TLS`,
		"ada:hunter2@api.example.com":    `endpoint: carries a user; leave that out, the platform knows callers by their token only`,
		"api.example.com/b?key=hunter2#": `endpoint: carries a query or a fragment; write only the address, such as "https://api.example.com/api"`,
	} {
		_, _, err := address.Parse(text)
		if refused, ok := errors.AsType[*httpx.ConfigError](err); !ok || refused.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestParseToken(t *testing.T) {
	t.Parallel()
	if token, err := httpx.ParseToken("api_key", " hunter2\r\n", ""); err != nil || token != "hunter2" {
		t.Errorf("as a file has it: %q, %v", token, err)
	}
	for text, want := range map[string]string{
		"\n":        "api_key: is empty; make one",
		"hunter\t2": "api_key: holds characters that no token has; it may have been copied with something around it",
		"“hunter2”": "api_key: holds characters that no token has; it may have been copied with something around it",
	} {
		if token, err := httpx.ParseToken("api_key", text, "make one"); err == nil || err.Error() != want || token != "" {
			t.Errorf("%q: %q, %v", text, token, err)
		}
	}
}
