package pep440

import "strings"

// scanner reads a version from left to right. As in PEP 440's own pattern, what was taken is never given back.
type scanner struct{ rest string }

// scan takes a version apart. It is not ok where the text is not one.
func scan(text string) (p parts, ok bool) {
	text = strings.TrimSpace(text)
	if !isASCII(text) {
		return parts{}, false
	}
	s := scanner{strings.TrimPrefix(strings.ToLower(text), "v")}
	if !s.release(&p) {
		return parts{}, false
	}
	if word, number, found := s.label("alpha", "a", "beta", "b", "preview", "pre", "c", "rc"); found {
		p.phase, p.pre = phases[word], number
	}
	s.post(&p)
	if _, number, found := s.label("dev"); found {
		p.dev = number
	}
	if label, found := strings.CutPrefix(s.rest, "+"); found {
		p.local, ok = scanLocal(label)
		return p, ok
	}
	return p, s.rest == ""
}

// phases are the normal forms of the words for pre-releases.
var phases = map[string]string{
	"alpha": "a", "a": "a", "beta": "b", "b": "b", "preview": "rc", "pre": "rc", "c": "rc", "rc": "rc",
}

// release takes the epoch and the release.
func (s *scanner) release(p *parts) bool {
	first, ok := s.number()
	p.epoch = "0"
	if rest, found := strings.CutPrefix(s.rest, "!"); ok && found {
		p.epoch, s.rest = first, rest
		first, ok = s.number()
	}
	for ok {
		p.release = append(p.release, first)
		if len(s.rest) < 2 || s.rest[0] != '.' || !isDigit(s.rest[1]) {
			break
		}
		s.rest = s.rest[1:]
		first, ok = s.number()
	}
	return ok
}

// post takes a post-release, which may be no more than a hyphen and a number.
func (s *scanner) post(p *parts) {
	if len(s.rest) > 1 && s.rest[0] == '-' && isDigit(s.rest[1]) {
		s.rest = s.rest[1:]
		p.post, _ = s.number()
	} else if _, number, found := s.label("post", "rev", "r"); found {
		p.post = number
	}
}

// label takes the first of the words that is there, the separators around it, and its number, "0" for none.
func (s *scanner) label(words ...string) (word, number string, found bool) {
	rest := skipSeparator(s.rest)
	for _, word := range words {
		if after, found := strings.CutPrefix(rest, word); found {
			s.rest = skipSeparator(after)
			number, ok := s.number()
			if !ok {
				number = "0"
			}
			return word, number, true
		}
	}
	return "", "", false
}

// number takes a number, without its leading zeros. One that is too long is left alone, and so is no version.
func (s *scanner) number() (string, bool) {
	n := 0
	for n < len(s.rest) && isDigit(s.rest[n]) {
		n++
	}
	number := trimNumber(s.rest[:n])
	if n == 0 || len(number) > maxDigits {
		return "", false
	}
	s.rest = s.rest[n:]
	return number, true
}

// scanLocal takes a local label apart.
func scanLocal(label string) ([]string, bool) {
	segments := strings.FieldsFunc(label, func(r rune) bool { return r == '.' || r == '-' || r == '_' })
	length := len(segments) - 1
	for i, segment := range segments {
		length += len(segment)
		if strings.Trim(segment, alphanumeric) != "" || len(segment) > maxDigits {
			return nil, false
		}
		if isDigits(segment) {
			segments[i] = trimNumber(segment)
		}
	}
	// One separator stands between two segments, and nowhere else.
	return segments, len(segments) > 0 && length == len(label)
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789"

// trimNumber removes the leading zeros of a number.
func trimNumber(digits string) string {
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	return digits
}

func skipSeparator(text string) string {
	if text != "" && (text[0] == '.' || text[0] == '-' || text[0] == '_') {
		return text[1:]
	}
	return text
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}
