package pylock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// String is the lock as a pylock.toml, the same text for the same lock.
func (l Lock) String() string {
	w := &writer{}
	w.text("lock-version", Version)
	if len(l.Environments) > 0 {
		texts := make([]string, len(l.Environments))
		for i, marker := range l.Environments {
			texts[i] = quote(marker.String())
		}
		w.line("environments = [" + strings.Join(texts, ", ") + "]")
	}
	w.text("requires-python", l.RequiresPython.String())
	if len(l.DefaultGroups) > 0 {
		groups := make([]string, len(l.DefaultGroups))
		for i, group := range l.DefaultGroups {
			groups[i] = quote(group)
		}
		w.line("default-groups = [" + strings.Join(groups, ", ") + "]")
	}
	w.text("created-by", l.CreatedBy)
	for _, p := range l.Packages {
		w.line("")
		w.line("[[packages]]")
		w.pack(p)
	}
	return w.String()
}

// writer writes TOML.
type writer struct{ strings.Builder }

func (w *writer) line(text string) { w.WriteString(text + "\n") }

// text writes a key, if it has a value.
func (w *writer) text(key, value string) {
	if value != "" {
		w.line(key + " = " + quote(value))
	}
}

func (w *writer) pack(p Package) {
	w.text("name", p.Name)
	w.text("version", p.Version.String())
	w.text("marker", p.Marker.String())
	w.text("requires-python", p.RequiresPython.String())
	if len(p.Dependencies) > 0 {
		names := make([]string, len(p.Dependencies))
		for i, name := range slices.Sorted(slices.Values(p.Dependencies)) {
			names[i] = "{ name = " + quote(name) + " }"
		}
		w.line("dependencies = [" + strings.Join(names, ", ") + "]")
	}
	w.text("index", p.Index)
	if v := p.VCS; v != nil {
		w.line("vcs = " + table("type", v.Type, "url", v.URL, "requested-revision", v.RequestedRevision, "commit-id", v.CommitID, "subdirectory", v.Subdirectory))
		if v.Archive != nil {
			w.line("tool = { terraform-provider-rime = { archive = " + v.Archive.nameless().table() + " } }")
		}
	}
	if p.Archive != nil {
		w.line("archive = " + p.Archive.nameless().table())
	}
	if p.Sdist != nil {
		w.line("sdist = " + p.Sdist.table())
	}
	if len(p.Wheels) > 0 {
		w.line("wheels = [")
		for _, wheel := range p.Wheels {
			w.line("  " + wheel.table() + ",")
		}
		w.line("]")
	}
}

// nameless is an archive, which has no name in PEP 751, unless nothing else tells it.
func (f File) nameless() File {
	if f.URL != "" {
		f.Name = ""
	}
	return f
}

// table is the file as an inline table.
func (f File) table() string {
	where := []string{"url", f.URL}
	if f.URL == "" { // PEP 751 wants either
		where = []string{"path", f.Name}
	}
	fields := strings.TrimSuffix(table("name", f.Name, where[0], where[1], "subdirectory", f.Subdirectory), " }")
	if !f.Uploaded.IsZero() {
		fields += ", upload-time = " + f.Uploaded.UTC().Format(time.RFC3339Nano)
	}
	if f.Size > 0 {
		fields += fmt.Sprintf(", size = %d", f.Size)
	}
	return fields + ", hashes = { sha256 = " + quote(f.SHA256) + " } }"
}

// table is an inline table of texts; those that are empty are left out.
func table(pairs ...string) string {
	var fields []string
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			fields = append(fields, pair[0]+" = "+quote(pair[1]))
		}
	}
	return "{ " + strings.Join(fields, ", ") + " }"
}

// quote is a basic string of TOML, which has JSON's escapes, and one character more that must be escaped.
func quote(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always can be
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007F`)
}
