package pythonindex

import (
	"context"
	"net/url"
	"strings"
)

// Netrc is the credentials of a .netrc file, by host. Its zero value has none.
type Netrc struct {
	hosts    map[string]login
	fallback *login
}

type login struct{ user, password string }

// ParseNetrc reads the text of a .netrc file, as Python's netrc module does: words, with comments from a "#" at the
// beginning of a word to the end of the line, and macros left out. What it does not know it passes over.
func ParseNetrc(text string) Netrc {
	n := Netrc{hosts: map[string]login{}}
	var current *login
	host := ""
	store := func() {
		if current == nil {
			return
		}
		if _, known := n.hosts[host]; host != "" && !known {
			n.hosts[host] = *current
		}
		if host == "" && n.fallback == nil {
			n.fallback = current
		}
	}
	words := netrcWords(text)
	for i := 0; i < len(words); i++ {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		switch words[i] {
		case "machine":
			store()
			host, current = strings.ToLower(value), &login{}
			i++
		case "default":
			store()
			host, current = "", &login{}
		case "login", "user":
			if current != nil {
				current.user = value
			}
			i++
		case "password":
			if current != nil {
				current.password = value
			}
			i++
		case "account":
			i++
		}
	}
	store()
	return n
}

// netrcWords are the words of a .netrc file. A word in quotation marks may have blanks; a backslash takes what follows it.
func netrcWords(text string) []string {
	var words []string
	macro := false
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if macro { // a blank line ends it
			macro = trimmed != ""
			continue
		}
		for rest := trimmed; rest != "" && rest[0] != '#'; {
			var word string
			word, rest = netrcWord(rest)
			if word == "macdef" {
				macro = true
				break
			}
			words = append(words, word)
			rest = strings.TrimLeft(rest, " \t")
		}
	}
	return words
}

// netrcWord takes the first word.
func netrcWord(text string) (word, rest string) {
	var b strings.Builder
	quoted := text[0] == '"'
	i := 0
	if quoted {
		i = 1
	}
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case quoted && c == '"':
			return b.String(), text[i+1:]
		case !quoted && (c == ' ' || c == '\t'):
			return b.String(), text[i:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// Credentials are those for the host of an address.
func (n Netrc) Credentials(address *url.URL) (user, password string, ok bool) {
	found, ok := n.hosts[strings.ToLower(address.Hostname())]
	if !ok && n.fallback != nil {
		found, ok = *n.fallback, true
	}
	return found.user, found.password, ok && found.password != ""
}

// Lookup is [Netrc.Credentials] as a [Credentials].
func (n Netrc) Lookup(_ context.Context, address *url.URL) (user, password string, ok bool, err error) {
	user, password, ok = n.Credentials(address)
	return user, password, ok, nil
}
