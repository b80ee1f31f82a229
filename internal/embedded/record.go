package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

// recordSchema is the version of the record this code writes. It grows only when an older reader would misunderstand a record;
// fields may be added without, as readers keep what they do not know.
const recordSchema = 1

// record is all that is known of an image, as JSON.
type record struct {
	Schema  int     `json:"schema"`
	Name    string  `json:"name"`
	Request request `json:"request"`
	// Build is the newest build.
	Build build `json:"build"`
	// Image is what is published. Nil until a build has succeeded.
	Image *published `json:"image,omitempty"`
	// Older are what a delete has to remove besides.
	Older []leftover `json:"older,omitempty"`
	// Lease belongs to the only process that may write the record. Nil: anybody may take it.
	Lease *leaseTerms `json:"lease,omitempty"`
	// Workspace identifies the machine and directory the image was created from.
	Workspace string `json:"workspace,omitempty"`
	// Creation names the lifeline of the run that created the image; see [lifeline.Creations].
	Creation  string    `json:"creation,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// WrittenBy is the version of the provider that wrote the record.
	WrittenBy string `json:"written_by,omitempty"`

	// unknown are the fields of a newer version.
	unknown map[string]json.RawMessage
}

// request is what a user asked for, as spelled, with the Python version the registry chose where none was asked for.
type request struct {
	PythonVersion string               `json:"python_version"`
	Pip           []pipRequirement     `json:"pip,omitempty"`
	Constraints   []pipRequirement     `json:"constraints,omitempty"`
	LockFile      string               `json:"lock_file,omitempty"`
	Packages      []packageRequirement `json:"packages,omitempty"`
	InputHash     string               `json:"input_hash"`
	Lock          lock                 `json:"lock,omitzero"`
}

// lock is what an image was found to hold before it was built.
type lock struct {
	Pylock string `json:"pylock,omitempty"`
	Base   string `json:"base,omitempty"`
}

type pipRequirement struct {
	Name             string `json:"name"`
	VersionSpecifier string `json:"version_specifier,omitempty"`
	URL              string `json:"url,omitempty"`
	Marker           string `json:"marker,omitempty"`
}

type packageRequirement struct {
	Name             string `json:"name"`
	VersionSpecifier string `json:"version_specifier,omitempty"`
	Type             string `json:"type"`
}

type build struct {
	ID          string                    `json:"id"`
	Status      imageregistry.BuildStatus `json:"status"`
	CreatedAt   time.Time                 `json:"created_at"`
	StartedAt   time.Time                 `json:"started_at,omitzero"`
	CompletedAt time.Time                 `json:"completed_at,omitzero"`
	Failure     *failure                  `json:"failure,omitempty"`
	// Tag is what the build publishes under, noted before it does.
	Tag string `json:"tag,omitempty"`
}

type failure struct {
	Class           imageregistry.FailureClass `json:"class"`
	Step            string                     `json:"step,omitempty"`
	Requirement     string                     `json:"requirement,omitempty"`
	RequirementKind string                     `json:"requirement_kind,omitempty"`
	Message         string                     `json:"message,omitempty"`
	LogTail         []string                   `json:"log_tail,omitempty"`
}

// published is an image that can be pulled.
type published struct {
	leftover
	Base          base         `json:"base"`
	PythonVersion string       `json:"python_version"`
	PipLibraries  []pipLibrary `json:"pip_libraries,omitempty"`
	Pylock        string       `json:"pylock,omitempty"`
	Size          int64        `json:"size,omitempty"`
	InputHash     string       `json:"input_hash"`
	PublishedAt   time.Time    `json:"published_at"`
}

// leftover names manifests that were published from here.
type leftover struct {
	Tag string `json:"tag"`
	// Digest is empty for a tag that a build that died may or may not have published.
	Digest string `json:"digest,omitempty"`
	// Children are the manifests of an index. They are noted here because a delete that was interrupted after the index
	// could not ask the index any more.
	Children []string `json:"children,omitempty"`
}

// unsettled tells that it is not known whether the tag was published.
func (l leftover) unsettled() bool { return l.Digest == "" }

type base struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	// Shown is the digest that the registry of the base itself showed at that time, where the builder, by way of a mirror, got another.
	Shown string `json:"shown,omitempty"`
}

type pipLibrary struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type leaseTerms struct {
	// ID is the build's, or that of another piece of work.
	ID      string    `json:"id"`
	Holder  string    `json:"holder"`
	Expires time.Time `json:"expires"`
	// died tells that the holder was a process of this machine and is no more.
	died bool
}

// errNewerSchema is a record of a version that changed what records mean.
var errNewerSchema = errors.New("the record was written by a newer version")

// UnmarshalJSON reads a record and keeps what it does not know.
func (r *record) UnmarshalJSON(text []byte) error {
	var head struct {
		Schema    int    `json:"schema"`
		WrittenBy string `json:"written_by"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	switch {
	case head.Schema > recordSchema:
		return fmt.Errorf("%w (schema %d, provider %s); upgrade the provider", errNewerSchema, head.Schema, head.WrittenBy)
	case head.Schema < 1:
		return errors.New("the record has no schema version")
	}
	type plain record
	if err := json.Unmarshal(text, (*plain)(r)); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &r.unknown); err != nil {
		return err
	}
	for field := range reflect.TypeFor[record]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		delete(r.unknown, name)
	}
	return nil
}

// MarshalJSON writes the record with what was not known when it was read.
func (r *record) MarshalJSON() ([]byte, error) {
	type plain record
	text, err := json.Marshal((*plain)(r))
	if err != nil || len(r.unknown) == 0 {
		return text, err
	}
	all := maps.Clone(r.unknown)
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// holds tells whether what is published is what the lock says. One that is not known says nothing.
func (r *record) holds(l imageregistry.Lock) bool {
	return l.Base.Digest == "" || r.Image != nil && r.Image.Base.Digest == l.Base.Digest && r.Image.Pylock == l.Pylock
}

// leased tells whether somebody is at work on the image.
func (r *record) leased(now time.Time) bool {
	return r.Lease != nil && !r.Lease.died && now.Before(r.Lease.Expires)
}

// abandoned tells whether the newest build was given up without a word.
func (r *record) abandoned(now time.Time) bool { return !r.Build.Status.Ended() && !r.leased(now) }

// building tells whether a build is under way.
func (r *record) building(now time.Time) bool { return !r.Build.Status.Ended() && r.leased(now) }

// retire notes what was published so far as something to remove one day, when another image takes its place.
func (r *record) retire() {
	if r.Image != nil {
		r.addLeftover(r.Image.leftover)
		r.Image = nil
	}
}

// noteAttempt notes the tag of a build that ended without success: it may have been published nevertheless. It tells whether there was anything to note.
func (r *record) noteAttempt() bool {
	tag := r.Build.Tag
	if tag == "" || (r.Image != nil && r.Image.Tag == tag) {
		return false
	}
	return r.addLeftover(leftover{Tag: tag})
}

// addLeftover adds what is not there yet; a tag without digest adds nothing to the same tag with one.
func (r *record) addLeftover(l leftover) bool {
	known := slices.ContainsFunc(r.Older, func(o leftover) bool {
		return o.Tag == l.Tag && (o.Digest == l.Digest || l.Digest == "")
	})
	if !known {
		r.Older = append(r.Older, l)
	}
	return !known
}

// publish makes the image the current one.
func (r *record) publish(image published) {
	r.retire()
	r.Image = &image
	r.Older = slices.DeleteFunc(r.Older, func(o leftover) bool {
		return o.Tag == image.Tag && (o.Digest == "" || o.Digest == image.Digest)
	})
}
