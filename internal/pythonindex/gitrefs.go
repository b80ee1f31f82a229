package pythonindex

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/similar"
)

// What a repository of git has under which name is told by git's smart HTTP protocol (gitprotocol-http): a list of refs in
// lines that begin with their length.

const (
	// maxRefs bounds the list of a repository in bytes. Some hosts list every change that was ever proposed.
	maxRefs = 256 << 20
	// maxNamed bounds how many branches and tags are kept to be proposed.
	maxNamed = 20_000
	// maxSimilarRefs is how many are.
	maxSimilarRefs = 3
)

var errRefs = fmt.Errorf("it does not answer as a repository of git does over HTTP: %w", errUnusable)

// RefError is a branch or a tag that a repository does not have. Its text does not say which, as that is a part of an address.
type RefError struct {
	// Empty is a repository without a commit.
	Empty bool
	// Similar are branches and tags that there are, and may have been meant.
	Similar []string
}

// Error implements error.
func (e *RefError) Error() string {
	const problem = `the repository has no branch and no tag of the name behind the "@"`
	switch {
	case e.Empty:
		return "the repository has no commit"
	case len(e.Similar) == 0:
		return problem
	}
	quoted := make([]string, len(e.Similar))
	for i, name := range e.Similar {
		quoted[i] = strconv.Quote(name)
	}
	return problem + "; similar ones are " + strings.Join(quoted, ", ")
}

// shortCommitError is what may be the beginning of a commit's name.
type shortCommitError struct{}

// Error implements error.
func (shortCommitError) Error() string {
	return `what stands behind the "@" may be the beginning of the name of a commit, of which the repository tells only whole ones`
}

// commit is the whole name of the commit at an address.
func (c *Client) commit(ctx context.Context, a Address) (string, error) {
	if wholeCommit.MatchString(a.Revision) {
		return a.Revision, nil
	}
	u, err := url.Parse(strings.TrimRight(a.URL, "/") + "/info/refs?service=git-upload-pack")
	if err != nil {
		return "", errAddress
	}
	var found *refs
	err = c.get(ctx, request{url: u, read: func(resp *http.Response) (err error) {
		if resp.Header.Get("Content-Type") != "application/x-git-upload-pack-advertisement" {
			return errRefs
		}
		found = newRefs(a.Revision)
		return found.read(&limited{r: resp.Body, left: maxRefs})
	}})
	if err != nil {
		return "", &fetchError{err}
	}
	return found.commit()
}

// refs is what a repository says of one revision.
type refs struct {
	revision string
	// wanted are the refs that it may be, the first that is there counts, as for pip and git.
	wanted []string
	// ids are the commits of those that are there.
	ids map[string]string
	// named are branches and tags.
	named []string
}

func newRefs(revision string) *refs {
	r := &refs{revision: revision, wanted: []string{"HEAD"}, ids: map[string]string{}}
	if revision != "" && revision != "HEAD" {
		r.wanted = []string{"refs/heads/" + revision, "refs/tags/" + revision, revision, "refs/" + revision}
	}
	return r
}

// read reads the list, as "git upload-pack --advertise-refs" writes it after the name of the service.
func (r *refs) read(list io.Reader) error {
	lines := bufio.NewReader(list)
	first, end, err := pktLine(lines)
	if err != nil || end || strings.TrimSuffix(first, "\n") != "# service=git-upload-pack" {
		return cmpRefs(err)
	}
	if _, end, err = pktLine(lines); err != nil || !end {
		return cmpRefs(err)
	}
	for {
		line, end, err := pktLine(lines)
		if err != nil || end {
			return err
		}
		line, _, _ = strings.Cut(strings.TrimSuffix(line, "\n"), "\x00") // what the server can do follows
		id, name, found := strings.Cut(line, " ")
		if strings.HasPrefix(id, "version") || id == "shallow" {
			continue
		}
		if !found || !wholeCommit.MatchString(id) {
			return errRefs
		}
		r.take(id, name)
	}
}

// cmpRefs is the error, or that of a list that is none.
func cmpRefs(err error) error {
	if err != nil {
		return err
	}
	return errRefs
}

// take takes a ref. What a tag with words of its own is of follows it.
func (r *refs) take(id, name string) {
	plain, isPeeled := strings.CutSuffix(name, "^{}")
	if slices.Contains(r.wanted, plain) {
		r.ids[plain] = id
	}
	for _, kind := range []string{"refs/heads/", "refs/tags/"} {
		if short, ok := strings.CutPrefix(plain, kind); ok && !isPeeled && len(r.named) < maxNamed {
			r.named = append(r.named, short)
		}
	}
}

// commit is the commit of the revision.
func (r *refs) commit() (string, error) {
	for _, name := range r.wanted {
		if id := r.ids[name]; id != "" {
			return id, nil
		}
	}
	if len(r.revision) >= 7 && strings.Trim(r.revision, "0123456789abcdef") == "" {
		return "", shortCommitError{}
	}
	return "", &RefError{Empty: len(r.named) == 0, Similar: nearestNames(r.revision, r.named)}
}

// nearestNames are those that need the fewest changes, and that have something to do with the name.
func nearestNames(name string, all []string) []string {
	type near struct {
		name string
		far  int
	}
	most := max(2, len(name)/3)
	if len(name) < 4 {
		most = 1
	}
	var some []near
	for _, other := range all {
		far := similar.Distance(name, other, most)
		if plain := strings.TrimPrefix(other, "v"); plain == strings.TrimPrefix(name, "v") {
			far = 0
		}
		if far <= most {
			some = append(some, near{other, far})
		}
	}
	slices.SortStableFunc(some, func(a, b near) int { return a.far - b.far })
	var names []string
	for _, n := range some {
		if names = append(names, n.name); len(names) == maxSimilarRefs {
			break
		}
	}
	return names
}

// pktLine reads one line of git's protocol: four hexadecimal digits that count themselves, then the text. "0000" is an end.
func pktLine(r io.Reader) (text string, end bool, err error) {
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return "", false, truncated(err)
	}
	length, err := strconv.ParseUint(string(header[:]), 16, 16)
	switch {
	case err != nil, length > 0 && length < 4, length > 65520:
		return "", false, errRefs
	case length == 0:
		return "", true, nil
	}
	content := make([]byte, length-4)
	if _, err := io.ReadFull(r, content); err != nil {
		return "", false, truncated(err)
	}
	return string(content), false, nil
}

// truncated is the error of an answer that ended too early.
func truncated(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
