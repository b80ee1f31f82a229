package buildkit

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// hidingsOf finds the secrets in the URL of a package index, or of anything else that pip is told of. Indexes take their tokens as user, as password, as a part
// of the path and in the query under any name, and a token looks like anything. So all of these are secret but the names of directories that such
// URLs are made of: within the URL they are hidden whatever they are, and wherever else they stand if they cannot be a word.
func hidingsOf(text string) []hiding {
	_, rest, ok := strings.Cut(text, "://")
	if !ok {
		return nil
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndex(authority, "@")
	all := hidingsOfUser(authority[:max(0, at)])
	host := authority[at+1:]
	for _, escaped := range []string{path, unescaped(path, url.PathUnescape)} {
		all = append(all, hidingsOfPath(host, escaped)...)
	}
	return append(all, hidingsOfQuery(query)...)
}

// hidingsOfUser hides the password, or the name where there is none ("https://TOKEN@host").
func hidingsOfUser(user string) []hiding {
	name, password, _ := strings.Cut(user, ":")
	if password == "" {
		password = name
	}
	return hidingWords(password, unescaped(password, url.PathUnescape))
}

// plainSegments are the parts of paths that say what is served there.
var plainSegments = []string{
	"", "api", "artifactory", "basic", "groups", "index", "nexus", "packages", "pip", "projects", "pypi", "python", "repositories", "repository",
	"root", "simple", "v3", "v4", "whl",
}

func hidingsOfPath(host, path string) []hiding {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	shown := slices.Clone(segments)
	var all []hiding
	for i, segment := range segments {
		if slices.Contains(plainSegments, strings.ToLower(segment)) {
			continue
		}
		shown[i] = redacted
		all = append(all, hidingsOfToken(segment)...)
		// The URL, whatever pip makes of the credentials before the host; and as its HTTP library names the path alone.
		for _, before := range []string{"://" + host, "@" + host, "url: "} {
			all = append(all, hiding{before + "/" + strings.Join(segments[:i+1], "/"), before + "/" + strings.Join(shown[:i+1], "/")})
		}
	}
	if len(all) > 0 && len(segments) > 1 { // a single name would be hidden in every path
		all = append(all, hiding{"/" + strings.Join(segments, "/"), "/" + strings.Join(shown, "/")})
	}
	return all
}

func hidingsOfQuery(query string) []hiding {
	var all []hiding
	for parameter := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, named := strings.Cut(parameter, "=")
		if !named {
			value = parameter
			all = append(all, hiding{"?" + value, "?" + redacted}, hiding{"&" + value, "&" + redacted})
		} else if value != "" {
			all = append(all, hiding{name + "=" + value, name + "=" + redacted})
		}
		all = append(all, append(hidingsOfToken(value), hidingsOfToken(unescaped(value, url.QueryUnescape))...)...)
	}
	return all
}

// hidingsOfToken hides a text wherever it stands if it is no word or name that may stand there in its own right.
func hidingsOfToken(text string) []hiding {
	const token, certainly = 8, 16
	odd := strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsLower(r) && !strings.ContainsRune("-_.", r) })
	if len(text) >= certainly || (len(text) >= token && odd) {
		return hidingWords(text)
	}
	return nil
}

// unescaped is the text without its escapes, or as it is where they are none.
func unescaped(text string, unescape func(string) (string, error)) string {
	if plain, err := unescape(text); err == nil {
		return plain
	}
	return text
}
