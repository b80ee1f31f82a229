package httpx

import (
	"bytes"
	"html"
	"net/http"
	"regexp"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// maxWords bounds how many characters of a server's words an error carries.
const maxWords = 400

// OneLine is a server's text in one line of bounded length, without control characters, and with addresses as
// [redact.Text] shows them.
func OneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return Truncated(redact.Text(text), maxWords)
}

// Truncated is the text with at most that many characters, and a sign where it was cut.
func Truncated(text string, characters int) string {
	if runes := []rune(text); len(runes) > characters {
		return string(runes[:characters]) + "…"
	}
	return text
}

// IsWebPage tells whether an answer is an HTML page: by what its header says, or by how it begins.
func IsWebPage(header http.Header, body []byte) bool {
	start := bytes.ToLower(bytes.TrimSpace(body[:min(len(body), 512)]))
	return strings.HasPrefix(header.Get("Content-Type"), "text/html") ||
		bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

var (
	pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	markup    = regexp.MustCompile(`(?s)<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>`)
)

// PageWords is what an HTML page says, in one line: its title, or else its text.
func PageWords(page []byte) string {
	if title := pageTitle.FindSubmatch(page); title != nil && len(bytes.TrimSpace(title[1])) > 0 {
		return OneLine(html.UnescapeString(string(title[1])))
	}
	return OneLine(html.UnescapeString(string(markup.ReplaceAll(page, []byte(" ")))))
}
