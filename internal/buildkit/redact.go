package buildkit

import (
	"cmp"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const (
	redacted = "***"
	// minSecret is the length from which a word is hidden wherever it stands. Shorter ones would mangle every log; in a URL they are hidden anyway.
	minSecret = 4
)

// hiding is a text that must not be seen, and what is shown in its place.
type hiding struct{ secret, shown string }

// hidingWords hides these words wherever they stand, unless they are too short for that.
func hidingWords(words ...string) []hiding {
	var all []hiding
	for _, w := range words {
		if len(w) >= minSecret {
			all = append(all, hiding{w, redacted})
		}
	}
	return all
}

// inOrder sorts so that the longest goes first: a secret which contains another one is hidden whole.
func inOrder(all []hiding) []hiding {
	slices.SortFunc(all, func(a, b hiding) int {
		return cmp.Or(cmp.Compare(len(b.secret), len(a.secret)), cmp.Compare(a.secret, b.secret), cmp.Compare(a.shown, b.shown))
	})
	return slices.CompactFunc(all, func(a, b hiding) bool { return a.secret == b.secret })
}

// redactor hides secrets in text. Secrets can be added while it is in use: BuildKit asks for credentials in the midst of a build.
type redactor struct {
	mu       sync.RWMutex
	hidings  []hiding
	replacer *strings.Replacer
}

func newRedactor(hidings ...hiding) *redactor {
	r := &redactor{}
	r.add(hidings...)
	return r
}

// add hides these from now on.
func (r *redactor) add(hidings ...hiding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hidings = inOrder(append(r.hidings, hidings...))
	pairs := make([]string, 0, 2*len(r.hidings))
	for _, h := range r.hidings {
		pairs = append(pairs, h.secret, h.shown)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// addCredentials hides a password, and the header that it is sent in.
func (r *redactor) addCredentials(username, password string) {
	r.add(hidingWords(password, base64.StdEncoding.EncodeToString([]byte(username+":"+password)))...)
}

// longest is the length of the longest secret.
func (r *redactor) longest() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.hidings) == 0 {
		return 0
	}
	return len(r.hidings[0].secret)
}

// clean hides every secret in a text.
func (r *redactor) clean(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return redactURLs(r.replacer.Replace(text))
}

var (
	credentialsInURL = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)([^/\s"]+)@`)
	// Registries and indexes redirect to storage with URLs that are credentials in themselves.
	parameterInURL = regexp.MustCompile(`[?&;]([A-Za-z0-9_.~%-]+)=[^&;\s"']*[^&;\s"',.)]`)
)

// publicParameters are those of a URL's query whose values are never secret, and tell what a registry was asked for. Nobody can list the
// names under which indexes and storage take their tokens.
var publicParameters = []string{"scope", "service", "ns", "n", "last", "digest", "mount", "from"}

// redactURLs hides user and password in every URL of a text, and what stands in its query.
func redactURLs(text string) string {
	if !strings.Contains(text, "://") { // most lines of a log; the patterns are slow
		return text
	}
	if strings.Contains(text, "@") {
		text = credentialsInURL.ReplaceAllString(text, "${1}"+redacted+"@")
	}
	if strings.ContainsAny(text, "?&;") {
		text = parameterInURL.ReplaceAllStringFunc(text, func(parameter string) string {
			name, _, _ := strings.Cut(parameter, "=")
			if slices.Contains(publicParameters, name[1:]) {
				return parameter
			}
			return name + "=" + redacted
		})
	}
	return text
}
