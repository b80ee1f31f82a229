package primehub

import (
	"crypto/sha1" //nolint:gosec // the platform's choice, for a name and not for security
	"encoding/hex"
	"strings"
)

// hashLength is how many hexadecimal digits of the hash the platform puts into the tag.
const hashLength = 8

// Hash is what the platform's controller puts into the tag of the image that it builds from the recipe (CONTRACT §4.2): tokens
// in order and unfiltered, without the pull secret.
func (r Recipe) Hash() string {
	var text strings.Builder
	text.WriteString(r.BaseImage)
	for _, list := range []struct {
		name   string
		tokens []string
	}{{"apt", r.Packages.Apt}, {"pip", r.Packages.Pip}, {"conda", r.Packages.Conda}} {
		if len(list.tokens) > 0 {
			text.WriteString(";" + list.name + ":[" + strings.Join(list.tokens, ",") + "]")
		}
	}
	sum := sha1.Sum([]byte(text.String())) //nolint:gosec // the platform's choice
	return hex.EncodeToString(sum[:])[:hashLength]
}

// builtFrom tells whether the platform made that address for a recipe with that hash: the hash is the tag, or its end.
func builtFrom(url, hash string) bool {
	return strings.HasSuffix(url, ":"+hash) || strings.HasSuffix(url, "-"+hash)
}
