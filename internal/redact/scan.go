package redact

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// replace shows each address that begins as the pattern says. The first group of the pattern is what stands before it, and
// the second what stands before its host.
func replace(text string, pattern *regexp.Regexp, input bool, show func(match) string) string {
	var b strings.Builder
	for {
		at := pattern.FindStringSubmatchIndex(text)
		if at == nil {
			b.WriteString(text)
			return b.String()
		}
		begin, host := at[4], at[5]
		end := host + extent(text[:begin], text[host:], input)
		b.WriteString(text[:begin])
		b.WriteString(show(match{scheme: text[begin:host], rest: text[host:end]}))
		text = text[end:]
	}
}

// part is where an address that a user wrote ends for certain: before an option, a marker or a comment.
var part = regexp.MustCompile(`\s+(?:;|--?[A-Za-z]|#|\\)|[\r\n]`)

// extent is how much of a text belongs to an address, from its host on.
func extent(before, text string, input bool) int {
	if clean := alreadyClean.FindStringSubmatchIndex(text); clean != nil {
		return clean[3]
	}
	if quote := quoteBefore(before); quote != "" {
		return closing(text, quote)
	}
	if input {
		if end := part.FindStringIndex(text); end != nil {
			return end[0]
		}
		return len(text)
	}
	end := strings.IndexFunc(text, unicode.IsSpace)
	if end < 0 {
		end = len(text)
	}
	return len(strings.TrimRight(text[:end], `.,;:!?)]}'">`))
}

// alreadyClean is an address that was shown by the rule before.
var alreadyClean = regexp.MustCompile("^((?:[\\p{L}\\p{N}._-]+(?::\\d+)?/)?\\*\\*\\*)(?:[\\s\"'`\\\\).,;:\\]}>]|$)")

// quoteBefore is the quote that an address stands in: the one right before it, or a double one that began earlier.
func quoteBefore(before string) string {
	for _, quote := range []string{`\"`, `"`, "'", "`", "<"} {
		if strings.HasSuffix(before, quote) {
			return quote
		}
	}
	line := before[strings.LastIndexByte(before, '\n')+1:]
	open := false
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			open = !open
		}
	}
	if open {
		return `"`
	}
	return ""
}

// closing is where the quoted text ends: at the quote that closes it, or else with the line.
func closing(text, quote string) int {
	line := strings.IndexAny(text, "\r\n")
	if line < 0 {
		line = len(text)
	}
	for i := 0; i < line; i++ {
		switch {
		case quote == `\"` && strings.HasPrefix(text[i:], `\"`), quote == `\"` && text[i] == '"':
			return i
		case quote == `"` && text[i] == '\\':
			i++
		case quote == `"` && text[i] == '"', quote == "`" && text[i] == '`', quote == "<" && text[i] == '>':
			return i
		case quote == "'" && text[i] == '\'' && endsWord(text[i+1:]):
			return i
		}
	}
	return line
}

// endsWord tells whether a text goes on with something that is no part of a word.
func endsWord(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return text == "" || unicode.IsSpace(r) || strings.ContainsRune(`,.;:)]}`, r)
}

// withoutUsers hides "user:password@host" and "user@host/path", and what follows the host.
func withoutUsers(text string) string {
	var b strings.Builder
	for {
		at := strings.IndexByte(text, '@')
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		user := strings.TrimLeft(text[wordBegin(text[:at]):at], "(<[{'`")
		rest := text[at+1:]
		if end := strings.IndexFunc(rest, endsQuote); end >= 0 {
			rest = rest[:end]
		}
		if !carriesUser(user, rest) {
			b.WriteString(text[:at+1])
			text = text[at+1:]
			continue
		}
		b.WriteString(text[:at-len(user)])
		text = text[at+1+len(rest):]
		last := rest[strings.LastIndexByte(rest, '@')+1:]
		address := strings.TrimRight(last, ".,;:!?)>]}'`")
		b.WriteString(hostOf(address) + hidden + last[len(address):])
	}
}

// wordBegin is where the last word of a text begins.
func wordBegin(text string) int {
	at := strings.LastIndexFunc(text, endsQuote)
	if at < 0 {
		return 0
	}
	_, size := utf8.DecodeRuneInString(text[at:])
	return at + size
}

func endsQuote(r rune) bool { return unicode.IsSpace(r) || r == '"' }

// hostOf is the host of an address that had a user, with the slash behind it. Empty where there is no telling.
func hostOf(address string) string {
	host, _, _ := authority(address)
	if before, _, _ := strings.Cut(address, ":"); host == "" && domain.MatchString(before) { // as in git@host:path
		host = before
	}
	if host == "" {
		return ""
	}
	return host + "/"
}

// carriesUser tells credentials from what else has an "@": digests of images, addresses of letters, sessions in ARNs, and
// requirements whose address has been found already.
func carriesUser(user, rest string) bool {
	host := rest
	if end := strings.IndexAny(rest, `/\?#:@`); end >= 0 {
		host = rest[:end]
	}
	switch {
	case user == "", rest == "", strings.HasPrefix(user, "arn:"), strings.HasPrefix(rest, "sha256:"), strings.HasPrefix(rest, "sha512:"):
		return false
	case strings.Contains(user, "/"+hidden), strings.Contains(rest, "://"):
		return false
	case strings.Contains(user, ":"):
		return true
	}
	return domain.MatchString(host) && strings.ContainsAny(strings.TrimRight(rest[len(host):], `.,;:!?]}`), `/\?#:@`)
}
