package pythonindex_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestClient_longDirectory reads of the directory of a wheel what it needs: METADATA is among the last files as a rule.
func TestClient_longDirectory(t *testing.T) {
	t.Parallel()
	const metadata = "Name: a\nVersion: 1\n"
	tests := map[string]struct {
		// name is that of the other files, before METADATA or after it.
		name     string
		requests int
	}{
		"at the end":             {"Z/%d", 3},
		"at the beginning":       {"b/%d", 4},
		"names like a directory": {"Z/PK\x01\x02PK\x01\x02PK\x01\x02PK\x01\x02PK\x01\x02PK\x01\x02PK\x01\x02PK\x01\x02%d", 4},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			a := archive{"a-1.dist-info/METADATA": metadata}
			for i := range 3000 {
				a[fmt.Sprintf(test.name, i)+strings.Repeat("x", 50)] = ""
			}
			content := a.bytes(t)
			synctest.Test(t, func(t *testing.T) {
				const name = "a-1-py3-none-any.whl"
				w, c := serveWorld(t, func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, ".whl") {
						http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
						return
					}
					answer(typeJSON, files(name, "http://index.test/T0KEN/"+name))(w, r)
				})
				files, err := c.Files(t.Context(), "a")
				if err != nil {
					t.Fatal(err)
				}
				if found, err := c.Metadata(t.Context(), files[0]); err != nil || found.Name != "a" || len(w.asked) > test.requests {
					t.Errorf("%v, %v, %d requests, want at most %d", found, err, len(w.asked), test.requests)
				}
			})
		})
	}
}
