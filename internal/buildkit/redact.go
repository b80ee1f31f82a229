package buildkit

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"
	"sync"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

const (
	redacted = "***"
	// minSecret is the length from which a word is hidden wherever it stands. Shorter ones would mangle every log; in an address they are hidden anyway.
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

// hide hides every secret that is known in a text. What is shown to anybody is cleaned: an analysis needs addresses whole.
func (r *redactor) hide(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.replacer.Replace(text)
}

// clean hides every secret that is known in a text, and in its addresses all that may be one.
func (r *redactor) clean(text string) string { return redact.Text(r.hide(text)) }
