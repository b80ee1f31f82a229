package primehub

import (
	"slices"
	"strings"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub/wire"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// Type says for which machines an image is. The platform takes any text (CONTRACT §2.1); others than these come as they are.
type Type string

// The types there are, by the words of PrimeHub's documents.
const (
	TypeCPU Type = "cpu"
	TypeGPU Type = "gpu"
	// TypeUniversal is "both" on the wire.
	TypeUniversal Type = "universal"
)

const wireUniversal = "both"

func (t Type) wire() string {
	if t == TypeUniversal {
		return wireUniversal
	}
	return string(t)
}

func decodeType(text string) Type {
	if text == wireUniversal {
		return TypeUniversal
	}
	return Type(text)
}

// Image is an image as the platform has it. Texts that are null there are empty.
type Image struct {
	// Name is the image's id: unique in the installation, fixed for its life.
	Name        string
	DisplayName string
	Description string
	Type        Type
	// URL is where the image is. The platform's controller sets it when a build has succeeded; during a rebuild it is still that of the previous build.
	URL string
	// URLForGPU is the same as URL unless the type is universal.
	URLForGPU string
	// PullSecret is the id of the secret that pulls the image. After a build it is the platform's own push secret.
	PullSecret string
	// Group is the name of the group that owns the image. Empty for a system image.
	Group string
	// Global tells that every group may use the image. What waits for a build does not read it.
	Global bool
	// Groups are the groups that may use the image, by name, as far as the caller sees them. Only what [Client.Get] and [Client.Refresh] return has them.
	Groups []GroupRef
	// Ready tells no more than that URL is not empty.
	Ready bool
	// LogURL is where the log of the last build can be read, with the API token, for images that never were built, too.
	LogURL string
	// Build is how the image is built. Nil for an existing image that was only added.
	Build *Build
}

// GroupRef names a group.
type GroupRef struct{ ID, Name string }

// Build is how an image is built, and how far that has come.
type Build struct {
	Recipe
	Phase Phase
	// BuiltImage is what the last successful build made.
	BuiltImage string
	// CancelRequested tells that the last build was told to end.
	CancelRequested bool
	// RequestedAt is when the last build was asked for, in whole seconds. Zero while the platform has not written it yet.
	RequestedAt time.Time

	// hash is that of the recipe as the platform stores it, see [Recipe.Hash].
	hash string
}

// Recipe is what an image is built from.
type Recipe struct {
	// BaseImage is the address of the image to begin with.
	BaseImage string
	// PullSecret is the id of the secret that pulls it. Empty for none.
	PullSecret string
	Packages   Packages
}

// Packages are what the installers are told to install, one token each, in order: order and repetitions count ("-c" may come twice).
type Packages struct {
	Apt, Conda, Pip []string
}

// Same tells whether both recipes make the same image: pull secrets do not matter for that.
func (r Recipe) Same(other Recipe) bool {
	return r.BaseImage == other.BaseImage && slices.Equal(r.Packages.Apt, other.Packages.Apt) &&
		slices.Equal(r.Packages.Conda, other.Packages.Conda) && slices.Equal(r.Packages.Pip, other.Packages.Pip)
}

// Phase is how far a build has come (CONTRACT §4.3).
type Phase string

// The phases the platform is known to write. Others count as work in progress.
const (
	// PhaseWaiting is a build without a sign of life: its job has not begun, or is not there yet.
	PhaseWaiting   Phase = ""
	PhasePending   Phase = "Pending"
	PhaseRunning   Phase = "Running"
	PhaseUnknown   Phase = "Unknown"
	PhaseSucceeded Phase = "Succeeded"
	PhaseFailed    Phase = "Failed"
	PhaseCancelled Phase = "Cancelled"
)

// Ended tells whether a build in that phase goes on no more.
func (p Phase) Ended() bool {
	return p == PhaseSucceeded || p == PhaseFailed || p == PhaseCancelled
}

// decodeImage reads an image without its groups.
func decodeImage(w *wire.Image) Image {
	image := decodeState(&w.ImageState)
	image.Global = w.Global
	return image
}

// decodeState reads an image without who may use it.
func decodeState(w *wire.ImageState) Image {
	image := Image{
		Name: w.Id, DisplayName: w.DisplayName, Description: w.Description, Type: decodeType(w.Type),
		URL: w.Url, URLForGPU: w.UrlForGpu, PullSecret: w.UseImagePullSecret, Group: w.GroupName,
		Ready: w.IsReady, LogURL: redact.Log(w.LogEndpoint, logPathPrefix+w.Id+"/job"),
	}
	// An image has one to be built from, or it is none that is built (CONTRACT §4.1).
	if spec := w.ImageSpec; spec != nil && spec.BaseImage != "" {
		image.Build = decodeBuild(spec, w.JobStatus)
	}
	return image
}

func decodeBuild(spec *wire.ImageStateImageSpec, job wire.ImageStateJobStatus) *Build {
	stored := Recipe{BaseImage: spec.BaseImage, PullSecret: spec.PullSecret, Packages: Packages(spec.Packages)}
	build := &Build{
		Recipe: stored, Phase: Phase(job.Phase), BuiltImage: job.Image, CancelRequested: spec.Cancel, hash: stored.Hash(),
	}
	build.Packages = stored.Packages.withoutBlanks()
	if build.Phase == PhaseCancelled && !build.CancelRequested {
		// That is the build before: the platform goes on showing it until the new one has something to say (CONTRACT §4.4).
		build.Phase = PhaseWaiting
	}
	if at, err := time.Parse(time.RFC3339Nano, spec.UpdateTime); err == nil {
		build.RequestedAt = at.UTC()
	}
	return build
}

// withoutBlanks leaves out the empty tokens that the group portal stores for a field that was cleared (CONTRACT §5.4).
func (p Packages) withoutBlanks() Packages {
	clean := func(tokens []string) []string {
		kept := make([]string, 0, len(tokens))
		for _, token := range tokens {
			if strings.TrimSpace(token) != "" {
				kept = append(kept, token)
			}
		}
		return kept
	}
	return Packages{Apt: clean(p.Apt), Conda: clean(p.Conda), Pip: clean(p.Pip)}
}

func decodeGroups(groups []wire.ImageWithGroupsGroupsGroup) []GroupRef {
	refs := make([]GroupRef, 0, len(groups))
	for _, group := range groups {
		refs = append(refs, GroupRef{ID: group.Id, Name: group.Name})
	}
	sortGroups(refs)
	return refs
}

func sortGroups(refs []GroupRef) {
	slices.SortFunc(refs, func(a, b GroupRef) int { return strings.Compare(a.Name, b.Name) })
}
