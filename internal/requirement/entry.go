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

// CheckEntries splits the entries of a list into tokens, in order, and finds everything that would be dropped on the way
// to the installer, or that it would not take. The entries belong together: "-c" may end one and its channel begin the
// next.
func CheckEntries(installer Installer, entries []string) (tokens []string, refused []*RefusedEntry) {
	check := entryCheck{installer: installer, rules: installerRules[installer]}
	refuse := func(index int, err *Error) {
		if err != nil {
			refused = append(refused, &RefusedEntry{Index: index, Err: err})
		}
	}
	for index, entry := range entries {
		words := SplitEntry(entry)
		tokens = append(tokens, words...)
		if len(words) == 0 {
			refuse(index, newError(Field(installer), entry, "", "is empty", "write a package, or leave the entry out"))
		}
		for len(words) > 0 {
			n := check.span(words)
			refuse(index, check.words(entry, words[:n]))
			words = words[n:]
		}
	}
	if last := len(entries) - 1; check.open != "" && !check.refused {
		refuse(last, newError(Field(installer), entries[last], check.open, "stands at the end, where a value has to follow",
			"write the value after it, or leave it out"))
	}
	return tokens, refused
}

// rules are what is to be known about an installer.
type rules struct {
	// separator stands between a name and its version.
	separator string
	// valued are the options that a value follows. Those of addresses take an address, which never passes, and those of
	// files a file, which no build has.
	valued, addresses, files []string
	// short are the letters of the options that have one.
	short string
	// check says what the installer would not take of what passes. Nothing is wrong where problem is empty.
	check func(token string) (problem string, p proposal)
	// propose spells so that it passes what does not. Its text is empty when that is not possible.
	propose func(token string) proposal
	// advice is what to do where there is no such spelling.
	advice string
}

var installerRules = map[Installer]rules{
	InstallerApt: {
		short:     "adcfhmoqstuVy",
		separator: "=",
		valued:    []string{"-t", "--target-release", "--default-release", "-o", "--option"},
		check:     checkAptToken, propose: proposeApt,
		advice: "put it into the base image",
	},
	InstallerConda: {
		short:     "CcdfhkmnpqSvy",
		separator: "=",
		valued:    []string{"-c", "--channel", "-n", "--name", "-p", "--prefix", "--solver", "--subdir", "--platform", "--repodata-fn"},
		files:     []string{"--file"},
		check:     checkCondaToken, propose: proposeConda,
		advice: "write name=version, or put it into the base image",
	},
	InstallerPip: {
		short:     "CUVcefhiqrtv",
		separator: "==",
		valued:    []string{"--trusted-host", "-t", "--target", "--platform", "--python-version", "--no-binary", "--only-binary"},
		addresses: []string{"-i", "--index-url", "--extra-index-url", "-f", "--find-links"},
		files:     []string{"-r", "--requirement", "-c", "--constraint", "-e", "--editable"},
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
	// refused tells that open was refused, and its value with it.
	refused bool
}

// word checks one token, and remembers whether a value is to follow.
func (c *entryCheck) word(entry, word string) *Error {
	refuse := func(problem, suggestion string) *Error {
		return newError(Field(c.installer), entry, word, problem, suggestion)
	}
	option, refused := c.open, c.refused
	c.open, c.refused = "", false
	if refused {
		return nil // Its option was, and the value goes with it.
	}
	if err := diagnoseText(Field(c.installer), word, c.proposing(entry, word)); err != nil {
		return err
	}
	switch {
	case option != "" && c.installer == InstallerConda && isChannelOption(option):
		return c.channel(entry, option, word)
	case option == "" && strings.HasPrefix(word, "-"):
		return c.option(entry, word)
	case !passing.MatchString(word):
		return refuse(dropped(word), c.suggestion(entry, word))
	case option != "":
		return nil
	}
	if strings.ContainsAny(word, ".:") && loneVersion.MatchString(word) {
		return refuse("is a version without a package", "write it behind its package, as in name"+c.rules.separator+word)
	}
	if problem, p := c.rules.check(word); problem != "" {
		if hides(entry, word) || !c.takes(p.text) {
			return refuse(problem, c.rules.advice)
		}
		return refuse(problem, write(p.text)+p.remark())
	}
	return nil
}

// option checks a word that begins with a hyphen.
func (c *entryCheck) option(entry, word string) *Error {
	refuse := func(problem, suggestion string) *Error {
		return newError(Field(c.installer), entry, word, problem, suggestion)
	}
	switch name := optionName(word); {
	case wordAfterHyphen(word) && !strings.ContainsRune(c.rules.short, rune(word[1])):
		return refuse("is no option of "+string(c.installer), c.proposing(entry, word)(word[1:]))
	case word == "-":
		return refuse("begins an entry of a list in YAML, and is none of "+string(c.installer)+"'s words", "leave it out")
	case slices.Contains(c.rules.addresses, name):
		c.open, c.refused = valueOf(word), true
		return refuse("takes an address, and PrimeHub drops addresses without a trace: it passes on only what matches "+TokenRule,
			"set the index in the base image (pip.conf, or the variables PIP_INDEX_URL and PIP_EXTRA_INDEX_URL)")
	case slices.Contains(c.rules.files, name) || c.installer == InstallerPip && joinedFile.MatchString(word):
		if slices.Contains(c.rules.files, word) {
			c.open, c.refused = word, true
		}
		return refuse("names a file or a directory, and a build of PrimeHub has none of yours", "write the packages themselves, one an entry")
	case c.installer == InstallerPip && name == "--hash":
		return refuse("fixes an archive, which pip takes in a file only", "leave it out")
	case !passing.MatchString(word) && c.installer == InstallerConda && isChannelOption(name):
		return refuse(dropped(word), ownChannel)
	case !passing.MatchString(word):
		return refuse(dropped(word), c.suggestion(entry, word))
	case slices.Contains(c.rules.valued, word):
		c.open = word
	}
	return nil
}

// wordAfterHyphen tells an option of one letter with something behind it.
func wordAfterHyphen(word string) bool { return len(word) > 2 && word[0] == '-' && word[1] != '-' }

// joinedFile is an option of pip with a file behind it, without a blank.
var joinedFile = regexp.MustCompile(`^-[rce][^-=]`)

// channel checks the value of conda's "-c". The documents' own example has a package with a channel there, which would be taken for a channel.
func (c *entryCheck) channel(entry, option, word string) *Error {
	refuse := func(problem, suggestion string) *Error {
		return newError(FieldConda, entry, word, problem, suggestion)
	}
	spec, ok := matchConda(word)
	if !ok || spec.Channel == "" {
		if passing.MatchString(word) && !strings.ContainsAny(word, ":=") {
			return nil
		}
		if strings.Contains(word, "/") {
			return refuse(dropped(word), ownChannel)
		}
		return refuse(dropped(word), "write the name of a channel, as in \"-c conda-forge\"")
	}
	problem := fmt.Sprintf("is a package with a channel, where %s takes a channel alone", option)
	if !passing.MatchString(word) {
		problem = dropped(word) + "; and " + option + " takes a channel alone, not a package with a channel"
	}
	p := proposal{text: word}
	if !passing.MatchString(word) {
		p = proposeConda(word)
	}
	if hides(entry, word) || !c.takes(p.text) {
		return refuse(problem, c.rules.advice)
	}
	return refuse(problem, write(p.text)+" without "+option+p.remark())
}

// ownChannel is what to do about a channel with a label, and one with an address.
const ownChannel = "PrimeHub cannot pass on a label or an address: the base image's .condarc can name the channel"

// dropped says why a token does not reach the installer.
func dropped(word string) string {
	culprit := firstNotIn(word, func(r rune) bool { return isAlnum(r) || strings.ContainsRune("-_:=.", r) })
	if culprit == "" {
		return "is not what can stand here"
	}
	return fmt.Sprintf("is dropped by PrimeHub without a trace, because of %q: it passes on only what matches %s", culprit, TokenRule)
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
