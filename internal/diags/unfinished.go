package diags

import (
	"errors"
	"fmt"
)

// cutShort is a wait for a build that ended before the build did, in the words that all images share.
type cutShort struct {
	// title is what is built, as titles have it; summary is the whole title.
	title, summary string
	// what happened, and what to do next.
	what, next string
}

// cutShortBy says why the wait for an image of that name ended: because time was up, or by an interrupt, after which again is what to do. The noun is the title as it
// stands within a sentence.
func cutShortBy(cause error, title, noun, name, again string) cutShort {
	if timeout, ok := errors.AsType[*TimeoutError](cause); ok {
		return cutShort{
			title, title + " Build Timed Out",
			sentence(fmt.Sprintf("%s %q was not built within %s", noun, name, short(timeout.After))),
			fmt.Sprintf("Apply again, with a longer `%s` if such builds take longer.", timeout.Setting),
		}
	}
	return cutShort{title, title + " Build Interrupted", fmt.Sprintf("Waiting for the build of %s %q was interrupted.", noun, name), again}
}

const notOurs = "The build was not started by this apply"
