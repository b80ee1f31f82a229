package pythonindex

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

const (
	// maxArchive bounds an archive at an address, in bytes. The largest wheels have 3 GB.
	maxArchive = 4 << 30
	// archivePatience is how many times as long as another answer an archive may take.
	archivePatience = 15
)

// Direct is what else is known of a file that no index has: one at the address of a requirement.
type Direct struct {
	// Subdirectory is where the distribution is within the archive. Empty is its top.
	Subdirectory string
	// Repository is the address of a repository of git, where the archive is what its host makes of a commit; Commit is the
	// whole name of that, and Revision what was asked for: a branch, a tag, a commit, or its HEAD where it is empty.
	Repository, Commit, Revision string
	// Metadata is what the archive says of itself.
	Metadata *Metadata
}

// Address is where pip takes the file from: with the subdirectory, where the file is at the address of a requirement.
func (f *File) Address() string {
	if f.Direct == nil {
		return f.URL
	}
	return f.URL + f.Direct.fragment()
}

// DirectError is a distribution that could not be read at the address of its requirement.
type DirectError struct {
	// Name is the distribution, normalised, and Origin the server that was asked, empty where none was.
	Name, Origin string
	// Status is the status of the answer, 0 where there was none, or where it is not at fault.
	Status int
	// Words are the server's, in one line.
	Words string
	// Err is what went wrong. Nil where the status says it all.
	Err error

	passing bool
}

// Error implements error.
func (e *DirectError) Error() string {
	text := fmt.Sprintf("what is at the address of %s could not be read", e.Name)
	if e.Origin != "" {
		text = fmt.Sprintf("what is at the address of %s, on %s, could not be read", e.Name, e.Origin)
	}
	text += said(e.Status, e.Words)
	if e.Err != nil {
		text += ": " + httpx.OneLine(e.Err.Error())
	}
	return text
}

// Unwrap implements errors' interface.
func (e *DirectError) Unwrap() error { return e.Err }

// Transient tells an error that another attempt may not meet: a server that is down, busy, or out of reach.
func (e *DirectError) Transient() bool { return e.passing }

// fetchError is an answer that did not come, or was another one. All else is wrong with what came.
type fetchError struct{ error }

// Unwrap implements errors' interface.
func (e *fetchError) Unwrap() error { return e.error }

// UnlockableError is a distribution at an address of which only a build can tell what it is.
type UnlockableError struct {
	// Name is normalised. Reason is why, and Advice what to do, each a part of a sentence.
	Name, Reason, Advice string
}

// Error implements error.
func (e *UnlockableError) Error() string {
	return fmt.Sprintf("%s comes from an address, and only a build can tell what it needs: %s; %s", e.Name, httpx.OneLine(e.Reason), e.Advice)
}

// looked is what was found at an address.
type looked struct {
	file *File
	// unlockable is why nobody can tell what it is, nil where that is known.
	unlockable *UnlockableError
}

// Direct reads what is at the address of a requirement, of a commit at that commit if it is not empty. The archive is fetched
// once in the life of the client. The error is a [*DirectError], or an [*UnlockableError], with which the file has a hash and no
// version if its archive could be fetched.
func (c *Client) Direct(ctx context.Context, name, address, commit string) (*File, error) {
	name = pep508.NormalizeName(name)
	found, err := c.archives.Get(ctx, name+" "+address+" "+commit, func(ctx context.Context) (looked, error) {
		file, err := c.look(ctx, name, address, commit)
		if unlockable, ok := errors.AsType[*UnlockableError](err); ok {
			return looked{file, unlockable}, nil
		}
		return looked{file: file}, err
	})
	if err == nil && found.unlockable != nil {
		return found.file, found.unlockable
	}
	return found.file, err
}

func (c *Client) look(ctx context.Context, name, address, commit string) (*File, error) {
	a, err := ParseAddress(address)
	if err != nil {
		return nil, &DirectError{Name: name, Err: err}
	}
	file := &File{URL: a.URL, project: name, Direct: &Direct{Subdirectory: a.Subdirectory}}
	if a.Git {
		if err := c.checkout(ctx, file, a, commit); err != nil {
			return file, err
		}
	}
	if err := c.inspect(ctx, file, a.SHA256); err != nil {
		return file, c.explainDirect(file, err)
	}
	return file, nil
}

// checkout finds the archive of a commit.
func (c *Client) checkout(ctx context.Context, file *File, a Address, commit string) (err error) {
	d := file.Direct
	if d.Repository, d.Revision, d.Commit = a.URL, a.Revision, commit; commit == "" {
		if d.Commit, err = c.commit(ctx, a); err != nil {
			return c.explainDirect(file, err)
		}
	}
	repository, err := url.Parse(a.URL)
	if err != nil {
		return &DirectError{Name: file.project, Err: errAddress}
	}
	archive, ok := commitArchive(repository, d.Commit)
	if !ok {
		return &UnlockableError{
			file.project, "nobody knows where " + redact.Origin(repository) + " has archives of commits",
			"write the address of an archive of the commit instead, which ends in .tar.gz or .zip",
		}
	}
	file.URL = archive
	return nil
}

// explainDirect makes the error of an address that could not be read.
func (c *Client) explainDirect(file *File, err error) error {
	if dynamic, ok := errors.AsType[*dynamicError](err); ok {
		return &UnlockableError{file.project, dynamic.reason, "take a version of it from a package index, or a wheel, to have its versions in the plan"}
	}
	if _, ok := errors.AsType[unknownArchiveError](err); ok {
		return &UnlockableError{file.project, err.Error(), "write the address of a .tar.gz, a .zip or a wheel instead"}
	}
	if short, ok := errors.AsType[shortCommitError](err); ok {
		return &UnlockableError{file.project, short.Error(), "write the whole name of the commit, which has 40 digits"}
	}
	fetch, fetching := errors.AsType[*fetchError](err)
	if fetching {
		err = fetch.error
	}
	told := &DirectError{Name: file.project}
	if u, err := url.Parse(file.URL); err == nil {
		told.Origin = redact.Origin(u)
	}
	if answer, ok := errors.AsType[*statusError](err); ok {
		told.Status, told.Words = answer.status, answer.words
	} else {
		told.Err = err
	}
	told.passing = fetching && (&Error{Status: told.Status, Err: told.Err}).Transient()
	return told
}

// inspect fetches the archive, and reads what it is.
func (c *Client) inspect(ctx context.Context, file *File, sum string) error {
	address, err := url.Parse(file.URL)
	if err != nil {
		return errAddress
	}
	file.Name = fileName(address)
	if strings.HasSuffix(strings.ToLower(file.Name), ".whl") {
		wheel, err := pep425.ParseWheel(file.Name)
		if err != nil {
			return errors.New("its address ends in .whl, and not in the name of a wheel (PEP 427)")
		}
		if wheel.Name != file.project {
			return fmt.Errorf("it is a wheel of %s", wheel.Name)
		}
		file.Wheel = &wheel
	}
	archive, err := os.CreateTemp("", "rime-archive-")
	if err != nil {
		return err
	}
	defer func() {
		_ = archive.Close()
		_ = os.Remove(archive.Name())
	}()
	if err := c.fetchArchive(ctx, file, address, archive); err != nil {
		return err
	}
	if sum != "" && sum != file.SHA256 {
		return fmt.Errorf("its SHA-256 is %s, and the address has %s", file.SHA256, sum)
	}
	metadata, err := file.read(archive)
	if err != nil {
		return err
	}
	if metadata.Name != file.project {
		return fmt.Errorf("it is %s %s", metadata.Name, metadata.Version)
	}
	if file.Wheel == nil { // the name of the archive may be a secret
		file.Name = fmt.Sprintf("%s %s at its address", file.project, metadata.Version)
	}
	file.Direct.Metadata, file.Version, file.RequiresPython = metadata, metadata.Version, metadata.RequiresPython.String()
	return nil
}

// fetchArchive fetches the archive, and finds out its size and its hash.
func (c *Client) fetchArchive(ctx context.Context, file *File, address *url.URL, to *os.File) error {
	err := c.get(ctx, request{
		url: address, header: wholeBytes, patience: archivePatience * c.options.Patience,
		read: func(resp *http.Response) error {
			if resp.ContentLength > maxArchive {
				return httpx.ErrAnswerTooLarge
			}
			if _, err := to.Seek(0, io.SeekStart); err != nil {
				return err
			}
			if err := to.Truncate(0); err != nil {
				return err
			}
			sum := sha256.New()
			size, err := io.Copy(io.MultiWriter(to, sum), &limited{r: resp.Body, left: maxArchive})
			file.Size, file.SHA256 = size, hex.EncodeToString(sum.Sum(nil))
			return err
		},
	})
	if err != nil {
		return &fetchError{err}
	}
	return nil
}

// read is the metadata of an archive that is here.
func (f *File) read(archive io.ReaderAt) (*Metadata, error) {
	if f.Wheel == nil {
		s := newSources(f.Direct.Subdirectory, f.Direct.Commit != "")
		if err := s.read(archive, f.Size); err != nil {
			if _, unknown := errors.AsType[unknownArchiveError](err); unknown {
				return nil, err
			}
			return nil, fmt.Errorf("its archive is broken: %w", err)
		}
		return s.metadata()
	}
	p, err := localParts(archive, f.Size)
	if err != nil {
		return nil, err
	}
	p.file = f
	text, err := p.metadata()
	if err != nil {
		return nil, err
	}
	metadata, err := ParseMetadata(string(text))
	if err == nil && f.Wheel != nil && metadata.Version.Compare(f.Wheel.Version) != 0 {
		err = fmt.Errorf("its METADATA has the version %s, and its name has %s", metadata.Version, f.Wheel.Version)
	}
	return metadata, err
}
