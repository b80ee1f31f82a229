package httpx_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

func TestNewTransport_trust(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	directory := t.TempDir()
	authority := filepath.Join(directory, "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	nonsense := filepath.Join(directory, "nonsense.pem")
	if err := os.WriteFile(nonsense, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		trust  httpx.Trust
		making string // what the error of making the transport contains
		asking string // what the error of a request contains
	}{
		"nobody is trusted by default":    {trust: httpx.Trust{}, asking: "certificate"},
		"ca_file is trusted":              {trust: httpx.Trust{CAFile: authority}},
		"everybody is trusted on request": {trust: httpx.Trust{InsecureSkipVerify: true}},
		"a ca_file that is not there":     {trust: httpx.Trust{CAFile: "/nowhere.pem"}, making: "open /nowhere.pem"},
		"a ca_file without certificates":  {trust: httpx.Trust{CAFile: nonsense}, making: "holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport, err := httpx.NewTransport(test.trust)
			if !matches(err, test.making) {
				t.Fatalf("making it: %v, want %q", err, test.making)
			}
			if err != nil {
				return
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := transport.RoundTrip(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			if !matches(err, test.asking) {
				t.Errorf("asking: %v, want %q", err, test.asking)
			}
		})
	}
}

// matches tells whether there is an error that contains the text, or none for no text.
func matches(err error, text string) bool {
	return (err == nil) == (text == "") && (err == nil || strings.Contains(err.Error(), text))
}
