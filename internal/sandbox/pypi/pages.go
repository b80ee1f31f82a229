package pypi

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

const (
	typeJSON = "application/vnd.pypi.simple.v1+json"
	typeHTML = "application/vnd.pypi.simple.v1+html"
)

// link is one file on a project's page, in the words of PEP 691.
type link struct {
	Filename       string            `json:"filename"`
	URL            string            `json:"url"`
	Hashes         map[string]string `json:"hashes"`
	RequiresPython string            `json:"requires-python,omitempty"`
	Size           int               `json:"size"`
	UploadTime     string            `json:"upload-time,omitempty"`
	Yanked         string            `json:"yanked,omitempty"`
	CoreMetadata   map[string]string `json:"core-metadata,omitempty"`
}

type meta struct {
	APIVersion string `json:"api-version"`
}

var rootPage = template.Must(template.New("root").Parse(`<!DOCTYPE html>
<html><head><meta name="pypi:repository-version" content="1.0"><title>Simple index</title></head>
<body>
{{range .}}<a href="{{.Normal}}/">{{.Name}}</a><br>
{{end}}</body></html>
`))

var projectPage = template.Must(template.New("project").Parse(`<!DOCTYPE html>
<html><head><meta name="pypi:repository-version" content="1.0"><title>Links for {{.Name}}</title></head>
<body>
{{range .Files}}<a href="{{.URL}}#sha256={{.Hashes.sha256}}"{{with .RequiresPython}} data-requires-python="{{.}}"{{end}}{{with .Yanked}} data-yanked="{{.}}"{{end}}{{with .CoreMetadata.sha256}} data-core-metadata="sha256={{.}}"{{end}}>{{.Filename}}</a><br>
{{end}}</body></html>
`))

func (x *Index) writeRoot(w http.ResponseWriter, r *http.Request, names []string) {
	type entry struct {
		Name   string `json:"name"`
		Normal string `json:"-"`
	}
	entries := make([]entry, 0, len(names))
	for _, name := range names {
		entries = append(entries, entry{Name: name, Normal: normalize(name)})
	}
	if x.wantsJSON(r) {
		writeJSON(w, struct {
			Meta     meta    `json:"meta"`
			Projects []entry `json:"projects"`
		}{meta{"1.0"}, entries})
		return
	}
	writeHTML(w, rootPage, entries)
}

func (x *Index) writeProject(w http.ResponseWriter, r *http.Request, p *project) {
	page := struct {
		Meta  meta   `json:"meta"`
		Name  string `json:"name"`
		Files []link `json:"files"`
	}{meta{"1.0"}, normalize(p.name), []link{}}
	for _, f := range p.files {
		page.Files = append(page.Files, x.link(p, f))
	}
	if x.wantsJSON(r) {
		writeJSON(w, page)
		return
	}
	writeHTML(w, projectPage, page)
}

// link is the file as a page lists it.
func (x *Index) link(p *project, f *file) link {
	l := link{
		Filename:       f.name,
		URL:            "../../files/" + normalize(p.name) + "/" + f.name,
		Hashes:         map[string]string{"sha256": digest(f.content())},
		RequiresPython: f.distribution.RequiresPython,
		Size:           len(f.content()),
		Yanked:         f.distribution.Yanked,
	}
	if !f.distribution.Uploaded.IsZero() {
		l.UploadTime = f.distribution.Uploaded.UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	if f.distribution.Source == nil && !x.options.NoMetadata {
		l.CoreMetadata = map[string]string{"sha256": digest(f.metadata())}
	}
	return l
}

// wantsJSON tells whether the client names the JSON form at all: pip lists it first when it knows it.
func (x *Index) wantsJSON(r *http.Request) bool {
	return !x.options.HTML && strings.Contains(r.Header.Get("Accept"), typeJSON)
}

// The errors of writing an answer are dropped: they mean that the client has gone, and there is nobody else to tell.

func writeJSON(w http.ResponseWriter, page any) {
	w.Header().Set("Content-Type", typeJSON)
	_ = json.NewEncoder(w).Encode(page)
}

func writeHTML(w http.ResponseWriter, t *template.Template, page any) {
	w.Header().Set("Content-Type", typeHTML)
	_ = t.Execute(w, page)
}
