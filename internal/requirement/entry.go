package requirement

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Installer is what a list of packages of a PrimeHub build is handed to.
type Installer string

// The installers, by the names that PrimeHub gives their lists.
const (
	InstallerApt   Installer = "apt"
	InstallerConda Installer = "conda"
	InstallerPip   Installer = "pip"
)

// RefusedEntry is what is wrong with one entry of a list.
type RefusedEntry struct {
	// Index is the entry's place in the list, from zero.
	Index int
	// Err is what is wrong.
	Err *Error
}

// TokenRule is what PrimeHub's build controller lets through; everything else it drops without a trace (internal/primehub/CONTRACT.md §4.6).
const TokenRule = `^[a-zA-Z0-9-_:=\.]+$`

// passing is TokenRule in Go's words.
var passing = regexp.MustCompile(`^[a-zA-Z0-9_:=.-]+$`)

// SplitEntry splits an entry of a list into the tokens that PrimeHub's portal makes of it (internal/primehub/CONTRACT.md §5.4): at white space, in order.
func SplitEntry(entry string) []string { return strings.Fields(entry) }

// CheckEntries splits the entries of a list into tokens, in order, and finds everything that would be dropped on the way to the installer, or that it would not take. The
// entries belong together: "-c" may end one and its channel begin the next.
func CheckEntries(installer Installer, entries []string) (tokens []string, refused []*RefusedEntry) {
	check := entryCheck{installer: installer, rules: installerRules[installer]}
	refuse := func(index int, err error) {
		if e, ok := err.(*Error); ok { //nolint:errorlint // made here, never wrapped
			refused = append(refused, &RefusedEntry{Index: index, Err: e})
		}
	}
	for index, entry := range entries {
		words := SplitEntry(entry)
		if len(words) == 0 {
			refuse(index, newError(Field(installer), entry, "", "is empty", "write a package, or leave the entry out"))
		}
		for _, word := range words {
			refuse(index, check.word(entry, word))
		}
		tokens = append(tokens, words...)
	}
	if last := len(entries) - 1; check.open != "" {
		refuse(last, newError(Field(installer), entries[last], check.open, "stands at the end, where a value has to follow", "write the value after it, or leave it out"))
	}
	return tokens, refused
}

// rules are what is to be known about an installer.
type rules struct {
	// valued are the options that a value follows, and addresses those of them whose value is an address, which never passes.
	valued, addresses []string
	// check says what the installer would not take of what passes. Nothing is wrong where problem is empty.
	check func(token string) (problem, proposal string)
	// propose spells so that it passes what does not. Empty when that is not possible.
	propose func(token string) (proposal, meaning string)
	// advice is what to do where there is no such spelling.
	advice string
}

var installerRules = map[Installer]rules{
	InstallerApt: {
		valued: []string{"-t", "--target-release", "--default-release", "-o", "--option"},
		check:  checkAptToken, propose: proposeApt,
		advice: "put it into the base image",
	},
	InstallerConda: {
		valued: []string{"-c", "--channel", "-n", "--name", "-p", "--prefix", "--file", "--solver", "--subdir", "--platform", "--repodata-fn"},
		check:  checkCondaToken, propose: proposeConda,
		advice: "write name=version, or put it into the base image",
	},
	InstallerPip: {
		valued:    []string{"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "--trusted-host", "-t", "--target", "--platform", "--python-version", "--no-binary", "--only-binary"},
		addresses: []string{"-i", "--index-url", "--extra-index-url", "-f", "--find-links"},
		check:     checkPipToken, propose: proposePip,
		advice: "write name==version, or put it into the base image",
	},
}

// entryCheck goes through the tokens of a list.
type entryCheck struct {
	installer Installer
	rules     rules
	// open is the option whose value comes next. Empty for none.
	open string
}

// word checks one token, and remembers whether a value is to follow.
func (c *entryCheck) word(entry, word string) error {
	refuse := func(problem, suggestion string) error {
		return newError(Field(c.installer), entry, word, problem, suggestion)
	}
	option := c.open
	c.open = ""
	if err := diagnoseText(Field(c.installer), word); err != nil {
		return err
	}
	switch {
	case option != "" && c.installer == InstallerConda && isChannelOption(option):
		return c.channel(entry, option, word)
	case strings.HasPrefix(word, "-") && slices.Contains(c.rules.addresses, optionName(word)):
		c.open = valueOf(word)
		return refuse("takes an address, and PrimeHub drops addresses without a trace: it passes on only what matches "+TokenRule,
			"set the index in the base image (pip.conf, or the variables PIP_INDEX_URL and PIP_EXTRA_INDEX_URL)")
	case !passing.MatchString(word):
		return refuse(dropped(word), c.suggestion(word))
	case option != "":
		return nil
	case strings.HasPrefix(word, "-"):
		if slices.Contains(c.rules.valued, word) {
			c.open = word
		}
		return nil
	}
	if problem, proposal := c.rules.check(word); problem != "" {
		if !c.takes(proposal) {
			return refuse(problem, "")
		}
		return refuse(problem, write(proposal))
	}
	return nil
}

// channel checks the value of conda's "-c". The documents' own example has a package with a channel there, which would be taken for a channel.
func (c *entryCheck) channel(entry, option, word string) error {
	refuse := func(problem, suggestion string) error {
		return newError(FieldConda, entry, word, problem, suggestion)
	}
	spec, ok := matchConda(word)
	if !ok || spec.Channel == "" {
		if passing.MatchString(word) && !strings.ContainsAny(word, ":=") {
			return nil
		}
		return refuse(dropped(word), "write the name of a channel, as in \"-c conda-forge\"")
	}
	problem := fmt.Sprintf("is a package with a channel, where %s takes a channel alone", option)
	if !passing.MatchString(word) {
		problem = dropped(word) + "; and " + option + " takes a channel alone, not a package with a channel"
	}
	proposal, meaning := word, ""
	if !passing.MatchString(word) {
		proposal, meaning = proposeConda(word)
	}
	if !c.takes(proposal) {
		return refuse(problem, c.rules.advice)
	}
	return refuse(problem, write(proposal)+" without "+option+meaning)
}

// dropped says why a token does not reach the installer.
func dropped(word string) string {
	culprit := firstNotIn(word, func(r rune) bool { return isAlnum(r) || strings.ContainsRune("-_:=.", r) })
	if culprit == "" {
		return "is not what can stand here"
	}
	return fmt.Sprintf("is dropped by PrimeHub without a trace, because of %q: it passes on only what matches %s", culprit, TokenRule)
}

// suggestion is a spelling that passes and that the installer takes, or what else to do.
func (c *entryCheck) suggestion(word string) string {
	proposal, meaning := c.rules.propose(strings.Trim(word, `"'`))
	if !c.takes(proposal) {
		return c.rules.advice
	}
	return write(proposal) + meaning
}

// takes tells whether a token passes and the installer takes it. Only such ones are proposed.
func (c *entryCheck) takes(token string) bool {
	problem, _ := c.rules.check(token)
	return problem == "" && passing.MatchString(token) && !strings.HasPrefix(token, "-")
}

func isChannelOption(option string) bool { return option == "-c" || option == "--channel" }

// optionName is an option without a value that is joined to it.
func optionName(word string) string {
	name, _, _ := strings.Cut(word, "=")
	return name
}

// valueOf is the option if its value comes next.
func valueOf(word string) string {
	if strings.Contains(word, "=") {
		return ""
	}
	return word
}
