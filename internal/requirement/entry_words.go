package requirement

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

var (
	// goesOn begins or ends a word that is only a part of a requirement.
	goesOn = regexp.MustCompile(`^[=<>!~^,|\[(;@:]`)
	openIn = regexp.MustCompile(`[=<>!~,|(;@:]$`)
	// loneVersion and loneBuild are no names of packages where they follow one.
	loneVersion = regexp.MustCompile(`^(?:\*|[0-9]+|v?[0-9]+[.:][0-9A-Za-z.:+~_*-]+)$`)
	loneBuild   = regexp.MustCompile(`^[A-Za-z0-9.]+_(?:[0-9]+|\*)$|^py[0-9]+\*?$|^[A-Za-z0-9._*]*\*[A-Za-z0-9._*]*$`)
	// loneNewest asks for the newest version where it follows a name.
	loneNewest = regexp.MustCompile(`^(?:latest|newest)$`)
	// command is a program that a list is not a call of.
	command = regexp.MustCompile(`^(?:pip3?|conda|mamba|micromamba|apt|apt-get|sudo|python3?)$`)
	// several are names, with versions or without, that commas separate.
	several = regexp.MustCompile(`^[A-Za-z0-9][^,\s<>!~/\[]*(?:,[A-Za-z][^,\s<>!~/\[]*)+$`)
)

// span is how many of the words are one requirement: one, or more where blanks were put into it.
func (c *entryCheck) span(words []string) int {
	switch {
	case c.open != "":
		return 1
	case strings.HasPrefix(words[0], "#"), len(words) > 1 && command.MatchString(words[0]) && words[1] == "install":
		return len(words)
	case strings.HasPrefix(words[0], "-"):
		return 1
	}
	n := 1
	for n < len(words) && c.belongs(words[:n], words[n]) {
		n++
	}
	if strings.Contains(strings.Join(words[:n], ""), ";") && c.installer == InstallerPip {
		return len(words) // A marker has blanks.
	}
	return n
}

// belongs tells whether the next word is a part of the requirement that the words before it begin.
func (c *entryCheck) belongs(before []string, next string) bool {
	last := before[len(before)-1]
	versioned := len(before) > 1 && (loneVersion.MatchString(last) || goesOn.MatchString(last))
	switch {
	case goesOn.MatchString(next), openIn.MatchString(last), loneVersion.MatchString(next):
		return true
	case len(before) == 1 && loneNewest.MatchString(next):
		return true
	case c.installer == InstallerConda && versioned:
		return loneBuild.MatchString(next) || last == "*"
	}
	return false
}

// words checks one requirement or option, and remembers whether a value is to follow.
func (c *entryCheck) words(entry string, words []string) *Error {
	whole := strings.Join(words, " ")
	switch {
	case c.open == "" && strings.HasPrefix(whole, "#"):
		return newError(Field(c.installer), entry, whole, "is a comment, which no list of packages has", "leave it out")
	case len(words) == 1:
		return c.word(entry, words[0])
	case command.MatchString(words[0]) && words[1] == "install":
		return newError(Field(c.installer), entry, whole, "is a command, and each of its words would be taken for a package",
			"write the packages alone, one an entry")
	}
	if fault := diagnoseText(Field(c.installer), whole, c.proposing(entry, words...)); fault != nil {
		return fault
	}
	problem := fmt.Sprintf("is one requirement in %d words, and each of them reaches %s by itself", len(words), c.installer)
	return newError(Field(c.installer), entry, whole, problem, c.suggestWords(entry, words))
}

// suggestWords proposes one word for a requirement that was written in several.
func (c *entryCheck) suggestWords(entry string, words []string) string {
	if hides(entry, words...) {
		return c.rules.advice
	}
	joined := strings.Join(words, "")
	pinned := loneVersion.MatchString(words[1]) && !openIn.MatchString(words[0])
	switch {
	case loneNewest.MatchString(words[1]) && len(words) == 2 && c.takes(words[0]):
		return write(words[0]) + ", which is the newest version"
	case pinned && words[1] == "*" && len(words) == 2 && c.takes(words[0]):
		return write(words[0])
	case pinned:
		joined = strings.Join(words, c.rules.separator)
	}
	if spaced := strings.Join(words, " "); !c.takes(joined) && c.installer == InstallerConda && isConda(spaced) {
		return c.proposal(spaced) // conda tells a build by the blank before it.
	}
	if !c.takes(joined) {
		return c.proposal(joined)
	}
	if exact := words[0] + "==" + words[1]; pinned && len(words) == 2 && c.installer == InstallerConda {
		return write(joined) + ", which is any " + words[1] + " version, or " + quote(exact) + " for that one alone"
	}
	return write(joined)
}

// hides tells that one of the words is hidden in messages, so that no proposal may be made of it.
func hides(entry string, words ...string) bool {
	shown := redact.Input(entry)
	return slices.ContainsFunc(words, func(word string) bool {
		return redact.Input(word) != word || !strings.Contains(shown, word)
	})
}

// suggestion is a spelling that passes and that the installer takes, or what else to do.
func (c *entryCheck) suggestion(entry, word string) string { return c.proposing(entry, word)(word) }

// proposing makes proposals of what the words were meant to be.
func (c *entryCheck) proposing(entry string, words ...string) func(text string) string {
	if hides(entry, words...) {
		return func(string) string { return c.rules.advice }
	}
	return c.proposal
}

// proposal is a suggestion for what is not hidden.
func (c *entryCheck) proposal(word string) string {
	word = strings.Trim(word, `"',`)
	if several.MatchString(word) {
		return "write each package in an entry of its own"
	}
	if name, version, found := strings.Cut(word, "@"); found && loneVersion.MatchString(version) {
		word = name + c.rules.separator + version
	}
	p := c.rules.propose(word)
	if _, better := c.rules.check(word); passing.MatchString(word) && better.text != "" {
		p = better
	}
	switch {
	case c.takes(word):
		return write(word)
	case c.takes(p.text):
		return write(p.text) + p.remark()
	}
	return c.rules.advice
}
