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

// redactor hides secrets in text. Secrets can be added while it is in use: BuildKit asks for credentials in the midst of a build.
type redactor struct {
	mu       sync.RWMutex
	words    []string
	replacer *strings.Replacer
}

func newRedactor(words ...string) *redactor {
	r := &redactor{}
	r.add(words...)
	return r
}

// add hides these words from now on.
func (r *redactor) add(words ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range words {
		if len(w) >= minSecret && !slices.Contains(r.words, w) {
			r.words = append(r.words, w)
		}
	}
	// The longest goes first, so that a secret which contains another one is hidden whole.
	slices.SortFunc(r.words, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(r.words))
	for _, w := range r.words {
		pairs = append(pairs, w, redacted)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// addCredentials hides a password, and the header that it is sent in.
func (r *redactor) addCredentials(username, password string) {
	r.add(password, base64.StdEncoding.EncodeToString([]byte(username+":"+password)))
}

// longest is the length of the longest secret.
func (r *redactor) longest() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.words) == 0 {
		return 0
	}
	return len(r.words[0])
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
	signatureInURL = regexp.MustCompile(`(?i)([?&][a-z0-9_-]*(?:token|signature|credential|password|secret|sig)=)[^&\s"']+`)
)

// redactURLs hides user, password and signatures in every URL of a text.
func redactURLs(text string) string {
	if !strings.Contains(text, "://") { // most lines of a log; the patterns are slow
		return text
	}
	if strings.Contains(text, "@") {
		text = credentialsInURL.ReplaceAllString(text, "${1}"+redacted+"@")
	}
	if strings.ContainsAny(text, "?&") {
		text = signatureInURL.ReplaceAllString(text, "${1}"+redacted)
	}
	return text
}
