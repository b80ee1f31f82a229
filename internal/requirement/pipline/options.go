package pipline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Option is an option in a line.
type Option struct {
	// Name is the long name ("--index-url"), whatever was written.
	Name string
	// Written is what was written for the name ("-i", "--index").
	Written string
	// Value is empty for an option that takes none.
	Value string
}

// OptionError is what is wrong with the options of a line.
type OptionError struct {
	// Part is the word at fault.
	Part string
	// Problem is what is wrong, as the rest of a sentence that starts with the part.
	Problem string
	// Unknown tells an option that a requirements file cannot have.
	Unknown bool
}

// Error implements error.
func (e *OptionError) Error() string { return fmt.Sprintf("%q %s", e.Part, e.Problem) }

// known is an option that pip takes in a file.
type known struct {
	// name is the long name that stands for all of them.
	name  string
	value bool
}

// long are the options that pip 26 takes in a requirements file, by their long names.
var long = map[string]known{
	"--index-url":         {"--index-url", true},
	"--pypi-url":          {"--index-url", true},
	"--extra-index-url":   {"--extra-index-url", true},
	"--no-index":          {"--no-index", false},
	"--constraint":        {"--constraint", true},
	"--requirement":       {"--requirement", true},
	"--editable":          {"--editable", true},
	"--find-links":        {"--find-links", true},
	"--no-binary":         {"--no-binary", true},
	"--only-binary":       {"--only-binary", true},
	"--prefer-binary":     {"--prefer-binary", false},
	"--require-hashes":    {"--require-hashes", false},
	"--no-require-hashes": {"--no-require-hashes", false},
	"--pre":               {"--pre", false},
	"--all-releases":      {"--all-releases", true},
	"--only-final":        {"--only-final", true},
	"--trusted-host":      {"--trusted-host", true},
	"--use-feature":       {"--use-feature", true},
	"--hash":              {"--hash", true},
	"--config-settings":   {"--config-settings", true},
}

// short are the long names of the short ones, each of which takes a value.
var short = map[byte]string{
	'i': "--index-url", 'c': "--constraint", 'r': "--requirement", 'e': "--editable", 'f': "--find-links", 'C': "--config-settings",
}

// Parts takes a line apart as pip does: options begin with the first word that has a hyphen at its front. The error is an
// [*OptionError]; what was read until there is given all the same.
func (l Line) Parts() (requirement string, options []Option, err error) {
	requirement, rest := cutOptions(l.Text)
	words, err := splitWords(rest)
	if err != nil {
		return requirement, nil, err
	}
	for len(words) > 0 {
		var option Option
		if option, words, err = takeOption(words); err != nil {
			return requirement, options, err
		}
		options = append(options, option)
	}
	return requirement, options, nil
}

// cutOptions finds where the options of a line begin.
func cutOptions(text string) (requirement, options string) {
	for at := range len(text) {
		if text[at] == '-' && (at == 0 || isBlank(text[at-1])) {
			return strings.TrimRight(text[:at], " \t"), text[at:]
		}
	}
	return text, ""
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

// takeOption takes the first option off the words.
func takeOption(words []string) (Option, []string, error) {
	word, rest := words[0], words[1:]
	switch {
	case word == "--":
		return Option{}, nil, unknown(word)
	case len(word) < 2 || word[0] != '-':
		return Option{}, nil, &OptionError{Part: word, Problem: "stands behind an option, where pip leaves it out in silence"}
	case word[1] != '-':
		return takeShort(word, rest)
	}
	written, value, hasValue := strings.Cut(word, "=")
	option, err := lookUp(written)
	switch {
	case err != nil:
		return Option{}, nil, err
	case !option.value && hasValue:
		return Option{}, nil, &OptionError{Part: word, Problem: "takes no value"}
	case !option.value:
		return Option{option.name, written, ""}, rest, nil
	case hasValue:
		return Option{option.name, written, value}, rest, nil
	}
	return takeValue(Option{Name: option.name, Written: written}, rest)
}

// takeShort takes an option of one letter. Its value follows at once, or as the next word. (For pip, "-r=x" has the value
// "=x", which nobody means.)
func takeShort(word string, rest []string) (Option, []string, error) {
	name, ok := short[word[1]]
	option := Option{Name: name, Written: word[:2], Value: strings.TrimPrefix(word[2:], "=")}
	switch {
	case !ok:
		return Option{}, nil, unknown(word)
	case option.Value != "":
		return option, rest, nil
	}
	return takeValue(option, rest)
}

func takeValue(option Option, rest []string) (Option, []string, error) {
	if len(rest) == 0 {
		return Option{}, nil, &OptionError{Part: option.Written, Problem: "has no value behind it"}
	}
	option.Value = rest[0]
	return option, rest[1:], nil
}

// lookUp finds an option by its long name, or by a beginning that no other one has.
func lookUp(written string) (known, error) {
	if option, ok := long[written]; ok {
		return option, nil
	}
	var names []string
	for name := range long {
		if strings.HasPrefix(name, written) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
		return known{}, unknown(written)
	case 1:
		return long[names[0]], nil
	}
	return known{}, &OptionError{Part: written, Problem: "may be any of " + strings.Join(names, ", ")}
}

func unknown(written string) error {
	return &OptionError{Part: written, Problem: "is not an option that pip takes in a file", Unknown: true}
}

// errQuote is a quotation mark, or a backslash, with nothing behind it.
var errQuote = errors.New("quotation")

// splitWords splits as a shell does (Python's shlex).
func splitWords(text string) ([]string, error) {
	var words []string
	for text = strings.TrimLeft(text, " \t"); text != ""; text = strings.TrimLeft(text, " \t") {
		word, rest, err := takeWord(text)
		if err != nil {
			return nil, &OptionError{Part: text, Problem: "has a quotation mark without its pair, or ends in a backslash"}
		}
		words, text = append(words, word), rest
	}
	return words, nil
}

// takeWord takes a word off a text, without its quotation marks and backslashes.
func takeWord(text string) (word, rest string, err error) {
	var b strings.Builder
	for at := 0; at < len(text); at++ {
		switch c := text[at]; {
		case isBlank(c):
			return b.String(), text[at:], nil
		case c == '\\':
			if at++; at == len(text) {
				return "", "", errQuote
			}
			b.WriteByte(text[at])
		case c == '\'' || c == '"':
			quoted, length, ok := takeQuoted(text[at:])
			if !ok {
				return "", "", errQuote
			}
			b.WriteString(quoted)
			at += length - 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", nil
}

// takeQuoted takes what stands in quotation marks at the front, and tells how long that is. In double ones a backslash
// protects a mark and itself.
func takeQuoted(text string) (quoted string, length int, ok bool) {
	var b strings.Builder
	mark := text[0]
	for at := 1; at < len(text); at++ {
		c := text[at]
		if c == mark {
			return b.String(), at + 1, true
		}
		if c == '\\' && mark == '"' && at+1 < len(text) && (text[at+1] == mark || text[at+1] == '\\') {
			at++
			c = text[at]
		}
		b.WriteByte(c)
	}
	return "", 0, false
}
