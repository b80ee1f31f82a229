package rime_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/rime"
)

func TestParseEndpoint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"rime.example.com":                    "https://rime.example.com",
		"rime.example.com:8443":               "https://rime.example.com:8443",
		"https://rime.example.com":            "https://rime.example.com",
		"https://rime.example.com///":         "https://rime.example.com",
		" https://rime.example.com/ \n":       "https://rime.example.com",
		"http://localhost:8080":               "http://localhost:8080",
		"HTTPS://rime.example.com":            "https://rime.example.com",
		"https://gateway.example.com/rime/":   "https://gateway.example.com/rime",
		"gateway.example.com/a%2Fb//":         "https://gateway.example.com/a%2Fb",
		"https://[::1]:8080/":                 "https://[::1]:8080",
		"https://gateway.example.com/v1/rime": "https://gateway.example.com/v1/rime",
	} {
		got, err := rime.ParseEndpoint(text)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestParseEndpoint_refused(t *testing.T) {
	t.Parallel()
	for text, problem := range map[string]string{
		"":                                       "is empty",
		"  ":                                     "is empty",
		"https://":                               "is no web address",
		"https://:8080":                          "is no web address",
		"https://rime example.com":               "is no web address",
		"https://ada:hunter2@rime.example.com:x": "is no web address",
		"ftp://rime.example.com":                 `has the scheme "ftp"`,
		"https://ada:hunter2@rime.example.com":   "carries a user",
		"hunter2@rime.example.com":               "carries a user",
		"https://rime.example.com?key=hunter2":   `write only the address, such as "https://rime.example.com"`,
		"https://rime.example.com/?":             "carries a query or a fragment",
		"https://rime.example.com/#hunter2":      "carries a query or a fragment",
		"https://rime.example.com/#":             "carries a query or a fragment",
		"https://rime.example.com/v1":            "leave that out",
		"gateway.example.com/rime/v1/":           "leave that out",
	} {
		got, err := rime.ParseEndpoint(text)
		refused, ok := errors.AsType[*rime.ConfigError](err)
		if !ok || refused.Field != "endpoint" || !strings.Contains(refused.Problem, problem) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, problem)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error shows a secret: %v", text, err)
		}
	}
}

func TestNew_apiKey(t *testing.T) {
	t.Parallel()
	for key, problem := range map[string]string{
		"":                 "is empty",
		" \n":              "is empty",
		"hunter2 hunter2":  "holds characters that no token has",
		"hunter2\nhunter2": "holds characters that no token has",
		"“hunter2”":        "holds characters that no token has",
		"hunter2\n":        "", // as a file has it
	} {
		_, err := rime.New(rime.Config{Endpoint: "rime.example.com", APIKey: key})
		if problem == "" {
			if err != nil {
				t.Errorf("%q: %v", key, err)
			}
			continue
		}
		refused, ok := errors.AsType[*rime.ConfigError](err)
		if !ok || refused.Field != "api_key" || !strings.Contains(refused.Problem, problem) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", key, err)
		}
	}
}
