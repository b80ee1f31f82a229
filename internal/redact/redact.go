// Package redact hides what may be secret in addresses. Indexes, repositories and stores take their tokens as a user, as a
// password, as a part of the path, and in the query under any name; a token looks like anything. So one rule holds for
// every address that reaches a message, a log or a state: scheme and host are shown, and "/***" stands for the rest.
//
//	Text      what others say: errors, answers of servers, logs of builds
//	Input     what a user wrote where an address may stand, such as a requirement
//	Log       where a server keeps a log
//	Request   what one of our own requests asked for, whose path is known to be harmless
//
// The path of an image in a registry ("registry.example.com/ml/model:1") is harmless too, and is no address here.
package redact

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// hidden stands for what is not shown.
const hidden = "***"

// examples are the addresses that our own messages tell users to write.
var examples = []string{
	"https://pypi.example.com/simple/",
	"https://primehub.example.com/api/graphql",
}

// Text is the text with every address in it as the rule of this package shows it. What has no scheme is an address when it
// begins with "//" or carries a user. Text of Text is the same.
func Text(text string) string { return clean(text, false) }

// Input is [Text] for what a user wrote where an address may stand. There, an address may have white space in it, and a
// host with a path is one.
func Input(text string) string { return clean(text, true) }

// Request is what a request of ours asked for, and where: its path below the configured one, which a user wrote.
func Request(u *url.URL, configured string) string {
	path := u.EscapedPath()
	if below, found := strings.CutPrefix(path, configured); found && configured != "" {
		path = "/" + hidden + below
	}
	return path + " at " + Origin(u)
}

// Log is the address of a log as a server tells it, without what opens it to everybody: servers sign such addresses. The
// path is shown if it ends as the server's paths of logs are known to.
func Log(address, ending string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || !strings.HasSuffix(u.Path, ending) {
		return Text(address)
	}
	return Origin(u) + u.EscapedPath()
}

// Origin is where an address leads, without what is there.
func Origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

func clean(text string, input bool) string {
	if !strings.ContainsAny(text, `/\@%`) { // most lines of a log
		return text
	}
	text = replace(text, schemed, input, match.address)
	text = encoded.ReplaceAllString(text, "${1}"+hidden)
	text = replace(text, schemeless, input, match.addressOfHost)
	text = withoutUsers(text)
	if input {
		text = replace(text, hostAndPath, input, match.addressOfHost)
	}
	return queries.ReplaceAllString(paths.ReplaceAllString(text, "${1}/"+hidden), "${1}?"+hidden)
}

var (
	// schemed begins an address. JSON writes "\/", and browsers and pip take "\" for "/", and one of them for two.
	schemed = regexp.MustCompile(`(?i)()((?:git|hg|svn|bzr)?\+?(?:https?|ftps?|ssh|git|s3|gs):(?:\\?/|\\)+|[a-z][a-z0-9+.-]+:(?:\\?/){2,})`)
	// encoded is an address as the value of another one's query.
	encoded = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]+%(?:25)?3a(?:%(?:25)?(?:2f|5c))+)[^\s"'<>]+`)
	// schemeless begins an address that takes the scheme from somewhere else.
	schemeless = regexp.MustCompile("(^|[\\s\"'`(<\\[{=,;|@]|-[A-Za-z])((?://|\\\\\\\\)[/\\\\]*)")
	// hostAndPath begins a host's name or address, with a port or without, if something follows it.
	hostAndPath = regexp.MustCompile("(?i)(^|[\\s\"'`(<\\[{=,;|@:]|-[a-z])()" +
		`(?:(?:[a-z0-9-]+\.)+[a-z]{2,}|localhost|\d+\.\d+\.\d+\.\d+)(?::\d+)?[/\\?#][^\s"']`)
	// paths and queries are those of HTTP libraries that show what they asked a host for.
	paths   = regexp.MustCompile(`(\b[Uu][Rr][Ll]: ?)/[^\s"']+`)
	queries = regexp.MustCompile(`((?:^|[\s"'(:=])/[^\s"'?]*)\?[^\s"']*[^\s"'.,;)]`)
)

// match is an address that was found in a text.
type match struct {
	// scheme is what stands before the host, with its slashes.
	scheme string
	// rest is the address from the host on.
	rest string
}

// address shows one that has a scheme.
func (m match) address() string {
	scheme := strings.ToLower(m.scheme[:strings.IndexByte(m.scheme, ':')])
	if scheme == "unix" || scheme == "npipe" || slices.Contains(examples, m.scheme+m.rest) {
		return m.scheme + m.rest
	}
	return m.scheme + shown(m.rest)
}

// addressOfHost shows one that has none, if it begins with a host: a comment does not, nor does a path.
func (m match) addressOfHost() string {
	host, _, more := authority(m.rest)
	if !more || !strings.Contains(m.rest, "@") && !domain.MatchString(host) {
		return m.scheme + m.rest
	}
	return m.scheme + shown(m.rest)
}

// shown is an address from the host on, as it may be seen.
func shown(rest string) string {
	host, harmless, more := authority(rest)
	switch {
	case host == "" && !more, harmless:
		return rest
	case host == "":
		return hidden
	}
	return host + "/" + hidden
}

var (
	validHost = regexp.MustCompile(`^(?:[\p{L}\p{N}._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$`)
	// domain is the name of a host, or its number, that cannot well be anything else.
	domain = regexp.MustCompile(`(?i)^(?:(?:[a-z0-9-]+\.)+[a-z]{2,}|localhost|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\])(?::\d{1,5})?$`)
	named  = regexp.MustCompile(`^(?:[a-z0-9-]+\.)+[a-z]{2,}$`)
)

// authority finds the host at the beginning of an address without its scheme. It is empty where it cannot be told from a
// secret. Harmless tells that the host is all there is, more that something else is there.
func authority(rest string) (host string, harmless, more bool) {
	end := strings.IndexAny(rest, `/\?#`)
	if end < 0 {
		end = len(rest)
	}
	before, after := rest[:end], rest[end:]
	at := strings.LastIndexByte(before, '@')
	host = before[at+1:]
	switch {
	case !validHost.MatchString(host):
		return "", false, rest != "" && rest != hidden
	case strings.Contains(after, "@") && !named.MatchString(host):
		return "", false, true // a password may hold a slash
	}
	harmless = at < 0 && (after == "" || after == "/" || after == "/"+hidden)
	return host, harmless, !harmless
}
