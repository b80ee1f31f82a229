package buildkit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/moby/buildkit/session/secrets/secretsprovider"
)

// The ids of the secrets, which are also the names of the files that steps see.
const (
	secretIndex     = "index.txt" // a requirements file of index options
	secretPipConfig = "pip.conf"
	secretCA        = "ca.pem"
	secretHidings   = "hidings.json" // what pip must not print: the daemon keeps the log of every step
	secretFresh     = "fresh"        // no secret, but a word that is new in each fresh build
)

// secretSet is everything of the options that must not be seen in the image, its history or a log.
type secretSet struct {
	// files are the contents of the secret files by id.
	files map[string][]byte
	// indexes stand for the package indexes in the cache key; see [fingerprint].
	indexes []string
	// hidings are the secrets in all of it, for the redactor.
	hidings []hiding
}

func (s *secretSet) has(id string) bool { return len(s.files[id]) > 0 }

// readSecrets gathers the secrets of the options. The CA file is read anew each time, because such files are replaced.
func (o Options) readSecrets() (*secretSet, error) {
	s := &secretSet{files: map[string][]byte{}}
	if o.CAFile != "" {
		bundle, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the CA file: %w", err)
		}
		if len(bundle) > secretsprovider.MaxSecretSize {
			return nil, fmt.Errorf("the CA file %s has %d bytes; BuildKit takes at most %d", o.CAFile, len(bundle), secretsprovider.MaxSecretSize)
		}
		s.files[secretCA] = bundle
	}
	s.addIndexes(o.Pip)
	if strings.TrimSpace(o.Pip.Config) != "" {
		s.files[secretPipConfig] = []byte(o.Pip.Config)
		for _, text := range urlsIn(o.Pip.Config) {
			s.note(text)
		}
	}
	return s, s.addHidings()
}

// addHidings makes the secret file by which the step itself keeps secrets out of what it prints.
func (s *secretSet) addHidings() error {
	s.hidings = inOrder(s.hidings)
	pairs := make([][2]string, 0, len(s.hidings))
	for _, h := range s.hidings {
		pairs = append(pairs, [2]string{h.secret, h.shown})
	}
	if len(pairs) == 0 {
		return nil
	}
	file, err := json.Marshal(pairs)
	s.files[secretHidings] = file
	return err
}

func (s *secretSet) addIndexes(pip PipOptions) {
	var b strings.Builder
	if pip.IndexURL != "" {
		fmt.Fprintf(&b, "--index-url %s\n", requirementsFileURL(pip.IndexURL))
		s.note(pip.IndexURL)
	}
	for _, extra := range pip.ExtraIndexURLs {
		fmt.Fprintf(&b, "--extra-index-url %s\n", requirementsFileURL(extra))
		s.note(extra)
	}
	s.files[secretIndex] = []byte(b.String())
}

// note remembers where a URL points and the secrets in it.
func (s *secretSet) note(text string) {
	s.indexes = append(s.indexes, fingerprint(text))
	for _, written := range []string{text, requirementsFileURL(text)} { // escaped as the user has it, and as pip will show it
		s.hidings = append(s.hidings, hidingsOf(written)...)
	}
}

// fingerprint stands for a package index in the cache key. The URL itself cannot: many indexes take a token as a part of the path, and BuildKit
// keeps what it builds from. User and password are left out, so that a new password builds nothing anew.
func fingerprint(text string) string {
	if u, err := url.Parse(text); err == nil {
		u.User = nil
		text = u.String()
	} else {
		text = credentialsInURL.ReplaceAllString(text, "${1}")
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// requirementsFileURL writes a URL so that pip's requirements file parser, which splits like a shell, takes it whole.
func requirementsFileURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text // validated before
	}
	return strings.NewReplacer("'", "%27", `"`, "%22", `\`, "%5C", "${", "%24{").Replace(u.String())
}

// credentialsInURL are those of an address that cannot be read.
var credentialsInURL = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)([^/\s"]+)@`)

var urlPattern = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`)

// urlsIn finds the URLs in a text.
func urlsIn(text string) []string { return urlPattern.FindAllString(text, -1) }
