// Package referee reads the tables that foreign tools have made for tests.
package referee

import (
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"testing"
)

// Rows are the values of a file of JSON lines, in their order. A file that cannot be read ends the test.
func Rows[R any](t *testing.T, file string) iter.Seq[R] {
	t.Helper()
	return func(yield func(R) bool) {
		t.Helper()
		table, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = table.Close() }()
		for rows := json.NewDecoder(table); ; {
			var row R
			switch err := rows.Decode(&row); {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				t.Fatalf("%s: %v", file, err)
			case !yield(row):
				return
			}
		}
	}
}
