package primehub

import (
	"crypto/sha1" //nolint:gosec // the platform's choice, for names
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// passing is what an entry of a list of packages must look like. Others are left out, and nobody says so (internal/primehub/CONTRACT.md §4.6).
var passing = regexp.MustCompile(`\A[a-zA-Z0-9-_:=\.]+\z`)

// hash is that of what an image is built of (internal/primehub/CONTRACT.md §4.2): of all entries, also those that are left out.
func (in buildInput) hash() string {
	var b strings.Builder
	b.WriteString(in.baseImage)
	for _, kind := range []string{"apt", "pip", "conda"} {
		if list := in.packages[kind]; len(list) > 0 {
			fmt.Fprintf(&b, ";%s:[%s]", kind, strings.Join(list, ","))
		}
	}
	sum := sha1.Sum([]byte(b.String())) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])[:8]
}

// targetOf is the name of the image that a build makes.
func (p *Platform) targetOf(name string, in buildInput) string {
	switch {
	case p.options.PushRepo != "":
		return fmt.Sprintf("%s:%s-%s", p.options.PushRepo, name, in.hash())
	case p.options.PushRepoPrefix == NoPrefix:
		return fmt.Sprintf("%s:%s", name, in.hash())
	}
	return fmt.Sprintf("%s/%s:%s", p.options.PushRepoPrefix, name, in.hash())
}

// installed are the entries of a list that are not left out.
func (in buildInput) installed(kind string) []string {
	var kept []string
	for _, entry := range in.packages[kind] {
		if passing.MatchString(entry) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// commands are how packages are installed, in this order.
var commands = []struct{ kind, before string }{
	{"apt", "apt-get update && apt-get install -y --no-install-recommends "},
	{"conda", "conda install --quiet --yes "},
	{"pip", "pip install --no-cache-dir "},
}

// dockerfile is what is built. There is a user in the base image, to which the build script returns.
func (in buildInput) dockerfile() string {
	var b strings.Builder
	fmt.Fprintf(&b, "FROM %s\nUSER root\n", in.baseImage)
	for _, command := range commands {
		if entries := in.installed(command.kind); len(entries) > 0 {
			fmt.Fprintf(&b, "RUN %s%s\n", command.before, strings.Join(entries, " "))
		}
	}
	b.WriteString("USER 1000\n")
	return b.String()
}
