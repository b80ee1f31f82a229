package buildkit

import (
	"cmp"
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
	secretFresh     = "fresh" // no secret, but a word that is new in each fresh build
)

// secretSet is everything of the options that must not be seen in the image, its history or a log.
type secretSet struct {
	// files are the contents of the secret files by id.
	files map[string][]byte
	// indexes are the package indexes without their credentials, for the cache key.
	indexes []string
	// words are the passwords in all of it, for the redactor.
	words []string
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
	return s, nil
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

// note remembers where a URL points and the credentials in it.
func (s *secretSet) note(text string) {
	s.indexes = append(s.indexes, redactURLs(text))
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return
	}
	secret, hasPassword := u.User.Password()
	if !hasPassword { // "https://TOKEN@host"
		secret = u.User.Username()
	}
	s.words = append(s.words, secret)
	for _, written := range []string{text, requirementsFileURL(text)} { // escaped as the user has it, and as pip will show it
		if match := credentialsInURL.FindStringSubmatch(written); match != nil {
			name, password, _ := strings.Cut(match[2], ":")
			s.words = append(s.words, cmp.Or(password, name))
		}
	}
}

// requirementsFileURL writes a URL so that pip's requirements file parser, which splits like a shell, takes it whole.
func requirementsFileURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text // validated before
	}
	return strings.NewReplacer("'", "%27", `"`, "%22", `\`, "%5C", "${", "%24{").Replace(u.String())
}

var urlPattern = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`)

// urlsIn finds the URLs in a text.
func urlsIn(text string) []string { return urlPattern.FindAllString(text, -1) }
