package provider

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// managedImageModel is the state of a rime_managed_image.
type managedImageModel struct {
	Name                types.String  `tfsdk:"name"`
	NamePrefix          types.String  `tfsdk:"name_prefix"`
	Registry            types.String  `tfsdk:"registry"`
	AdoptExisting       types.Bool    `tfsdk:"adopt_existing"`
	DeletionPolicy      types.String  `tfsdk:"deletion_policy"`
	RebuildWhenOutdated types.Bool    `tfsdk:"rebuild_when_outdated"`
	PipUpgrade          types.String  `tfsdk:"pip_upgrade"`
	Triggers            types.Map     `tfsdk:"triggers"`
	RebuildReason       types.String  `tfsdk:"rebuild_reason"`
	Build               types.Object  `tfsdk:"build"`
	Timeouts            timeoutsValue `tfsdk:"timeouts"`
	imageInputs
	imageFacts
}

// spec is the request for the image, and whether all of it is known.
func (m *managedImageModel) spec() (spec imageregistry.Spec, whole bool) {
	pips, pipsWhole := pipRequirements(m.PipRequirements)
	bounds, boundsWhole := pipRequirements(m.PipConstraints)
	apt, aptWhole := packages(m.AptPackages, requirement.PackageTypeApt)
	rocky, rockyWhole := packages(m.RockyLinuxPackages, requirement.PackageTypeRockyLinux)
	return imageregistry.Spec{
		Name:                m.Name.ValueString(),
		PythonVersion:       m.PythonVersion.ValueString(),
		PipRequirements:     pips,
		PipConstraints:      bounds,
		PipLockFile:         m.PipLockFile.ValueString(),
		PackageRequirements: slices.Concat(apt, rocky),
		Lock:                m.lock(),
	}, pipsWhole && boundsWhole && aptWhole && rockyWhole && !m.PipLockFile.IsUnknown()
}

// triggerValues are the triggers, and whether all of them are known.
func (m *managedImageModel) triggerValues() (values map[string]string, whole bool) {
	values, whole = map[string]string{}, !m.Triggers.IsUnknown()
	for key, value := range m.Triggers.Elements() {
		text, ok := value.(types.String)
		if !ok || text.IsUnknown() {
			whole = false
			continue
		}
		values[key] = text.ValueString()
	}
	return values, whole
}

// generatedName is the name that a configuration with a name_prefix asks for: the prefix and the beginning of a hash over everything that
// leads to another build. Unknown as long as anything of that is. It looks at the configuration only, because the
// state may know more (the Python version that the registry chose), which must not change the name.
func (m *managedImageModel) generatedName() types.String {
	spec, whole := m.spec()
	triggers, triggersWhole := m.triggerValues()
	if !whole || !triggersWhole || m.NamePrefix.IsUnknown() || m.PythonVersion.IsUnknown() {
		return types.StringUnknown()
	}
	text, err := json.Marshal(triggers) // sorted by key
	if err != nil {
		return types.StringUnknown() // Strings can always be marshalled.
	}
	sum := sha256.Sum256([]byte(spec.Hash() + string(text)))
	return types.StringValue(m.NamePrefix.ValueString() + hex.EncodeToString(sum[:])[:hashDigits])
}

// mayAdopt tells whether a create may take over an image that exists. One of a generated name whose build failed is our own: with
// create_before_destroy, the repair of a first build that failed creates the same name again before the tainted one goes.
func (m *managedImageModel) mayAdopt(image imageregistry.Image) bool {
	return m.AdoptExisting.ValueBool() || (!m.NamePrefix.IsNull() && image.Status == imageregistry.StatusFailed)
}

// keepComputed keeps what the registry told the last time.
func (m *managedImageModel) keepComputed(state managedImageModel) {
	m.imageFacts, m.Build, m.RebuildReason = state.imageFacts, state.Build, state.RebuildReason
}

// setImage takes over the image and its build as they are now. A build that the registry does not know any more leaves the attribute as it is. An image that was made anew
// since leaves everything as it is: that tells the two apart.
func (m *managedImageModel) setImage(ctx context.Context, registry imageregistry.Registry, image imageregistry.Image) diag.Diagnostics {
	var d diag.Diagnostics
	if m.madeAnew(image) {
		return d
	}
	m.setInputs(image)
	m.setFacts(ctx, image, &d)
	known := m.knownBuild()
	id := cmp.Or(image.BuildID, known.ID)
	if m.Build.IsUnknown() || known.ID != id {
		m.Build = types.ObjectNull(buildType.AttrTypes)
	}
	if id == "" || (known.ID == id && known.Status.Ended()) {
		return d
	}
	build, err := registry.Build(ctx, id)
	switch {
	case err == nil:
		m.Build = newBuildObject(ctx, build, &d)
	case !errors.Is(err, imageregistry.ErrNotFound):
		d.Append(diags.FromError(diags.ReadImage, image.Name, err))
	}
	return d
}

// knownBuild is what the state knows about the build.
func (m *managedImageModel) knownBuild() imageregistry.Build {
	attributes := m.Build.Attributes()
	id, _ := attributes["id"].(types.String)
	status, _ := attributes["status"].(types.String)
	return imageregistry.Build{ID: id.ValueString(), Status: imageregistry.BuildStatus(status.ValueString())}
}

// changedTriggers are the names of the triggers that differ, sorted, and whether that can be told.
func changedTriggers(state, plan managedImageModel) (changed []string, known bool) {
	before, _ := state.triggerValues()
	after, known := plan.triggerValues()
	for key, value := range after {
		if old, found := before[key]; !found || old != value {
			changed = append(changed, key)
		}
	}
	for key := range before {
		if _, found := after[key]; !found {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	return changed, known
}
