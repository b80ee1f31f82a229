package provider

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// imageInputs is what an image is made from. Embedded in the models of the resource and of the data sources.
type imageInputs struct {
	PythonVersion      types.String `tfsdk:"python_version"`
	PipRequirements    types.Set    `tfsdk:"pip_requirements"`
	PipConstraints     types.Set    `tfsdk:"pip_constraints"`
	PipLockFile        types.String `tfsdk:"pip_lock_file"`
	AptPackages        types.Set    `tfsdk:"apt_packages"`
	RockyLinuxPackages types.Set    `tfsdk:"rocky_linux_packages"`
}

// imageFacts is what a registry tells about an image. Embedded in the models of the resource and of the data sources.
type imageFacts struct {
	Status         types.String `tfsdk:"status"`
	StatusReason   types.String `tfsdk:"status_reason"`
	RoleType       types.String `tfsdk:"role_type"`
	RimeTag        types.String `tfsdk:"rime_tag"`
	RepoURI        types.String `tfsdk:"repo_uri"`
	ImageURI       types.String `tfsdk:"image_uri"`
	ImageDigest    types.String `tfsdk:"image_digest"`
	ImageSizeBytes types.Int64  `tfsdk:"image_size_bytes"`
	BaseImage      types.Object `tfsdk:"base_image"`
	ChildImages    types.List   `tfsdk:"child_images"`
	PipLibraries   types.Map    `tfsdk:"pip_libraries"`
	Pylock         types.String `tfsdk:"pylock"`
}

type imageReferenceModel struct {
	Name          types.String `tfsdk:"name"`
	ReferenceType types.String `tfsdk:"reference_type"`
	Digest        types.String `tfsdk:"digest"`
}

type buildModel struct {
	ID                 types.String  `tfsdk:"id"`
	Status             types.String  `tfsdk:"status"`
	CreatedAt          types.String  `tfsdk:"created_at"`
	StartedAt          types.String  `tfsdk:"started_at"`
	CompletedAt        types.String  `tfsdk:"completed_at"`
	RunningTimeSeconds types.Float64 `tfsdk:"running_time_seconds"`
	Error              types.String  `tfsdk:"error"`
	LogsURL            types.String  `tfsdk:"logs_url"`
}

var (
	imageReferenceType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"name":           types.StringType,
		"reference_type": types.StringType,
		"digest":         types.StringType,
	}}
	buildType = types.ObjectType{AttrTypes: map[string]attr.Type{
		"id":                   types.StringType,
		"status":               types.StringType,
		"created_at":           types.StringType,
		"started_at":           types.StringType,
		"completed_at":         types.StringType,
		"running_time_seconds": types.Float64Type,
		"error":                types.StringType,
		"logs_url":             types.StringType,
	}}
)

// unknownFacts are the facts of an image that is about to be built.
func unknownFacts() imageFacts {
	return imageFacts{
		Status:         types.StringUnknown(),
		StatusReason:   types.StringUnknown(),
		RoleType:       types.StringUnknown(),
		RimeTag:        types.StringUnknown(),
		RepoURI:        types.StringUnknown(),
		ImageURI:       types.StringUnknown(),
		ImageDigest:    types.StringUnknown(),
		ImageSizeBytes: types.Int64Unknown(),
		BaseImage:      types.ObjectUnknown(imageReferenceType.AttrTypes),
		ChildImages:    types.ListUnknown(imageReferenceType),
		PipLibraries:   types.MapUnknown(types.StringType),
		Pylock:         types.StringUnknown(),
	}
}

// setInputs takes over what the image was asked to hold. A prior value that means the same stays as it is spelled.
func (m *imageInputs) setInputs(image imageregistry.Image) {
	if pips := pipSet(image.PipRequirements); !m.asksFor(image) || m.PipRequirements.IsNull() {
		m.PipRequirements = pips
	}
	switch bounds := pipSet(image.PipConstraints); {
	case !samePips(m.PipConstraints, bounds):
		m.PipConstraints = bounds
	case m.PipConstraints.IsNull():
		m.PipConstraints = types.SetNull(types.StringType)
	}
	m.PipLockFile = textValue(image.PipLockFile)
	if apt := packageSet(image.PackageRequirements, requirement.PackageTypeApt); !sameAptPackages(m.AptPackages, apt) || m.AptPackages.IsNull() {
		m.AptPackages = apt
	}
	if rocky := packageSet(image.PackageRequirements, requirement.PackageTypeRockyLinux); !sameRockyPackages(m.RockyLinuxPackages, rocky) || m.RockyLinuxPackages.IsNull() {
		m.RockyLinuxPackages = rocky
	}
	if prior := m.PythonVersion.ValueString(); prior == "" || !samePython(prior, image.PythonVersion) {
		m.PythonVersion = textValue(image.PythonVersion)
	}
}

// asksFor tells whether these requirements are the image's. A platform that knows no environment markers tells what is left
// without them.
func (m *imageInputs) asksFor(image imageregistry.Image) bool {
	pips, whole := pipRequirements(m.PipRequirements)
	python := cmp.Or(m.PythonVersion.ValueString(), image.PythonVersion)
	return whole && slices.Equal(requirement.Reduce(pips, python), requirement.Reduce(image.PipRequirements, python))
}

// samePython tells whether a registry's answer is the version that was asked for: it may know the patch version as well, or not
// know anything before the build (internal/rime/CONTRACT.md §2.12).
func samePython(asked, answered string) bool {
	return answered == "" || answered == asked || strings.HasPrefix(answered, asked+".")
}

// setFacts takes over what the registry tells about the image.
func (m *imageFacts) setFacts(ctx context.Context, image imageregistry.Image, d *diag.Diagnostics) {
	m.Status = textValue(string(image.Status))
	m.StatusReason = textValue(image.StatusReason)
	m.RoleType = textValue(string(image.RoleType))
	m.RimeTag = textValue(image.Tag)
	m.RepoURI = textValue(image.RepoURI)
	m.ImageURI = textValue(image.URI())
	m.ImageDigest = textValue(image.Digest)
	m.ImageSizeBytes = types.Int64Null()
	if image.Size > 0 {
		m.ImageSizeBytes = types.Int64Value(image.Size)
	}
	m.BaseImage = types.ObjectNull(imageReferenceType.AttrTypes)
	if image.BaseImage.Name != "" {
		base, more := types.ObjectValueFrom(ctx, imageReferenceType.AttrTypes, newImageReferenceModel(image.BaseImage))
		d.Append(more...)
		m.BaseImage = base
	}
	children := make([]imageReferenceModel, 0, len(image.ChildImages))
	for _, child := range image.ChildImages {
		children = append(children, newImageReferenceModel(child))
	}
	var more diag.Diagnostics
	m.ChildImages, more = types.ListValueFrom(ctx, imageReferenceType, children)
	d.Append(more...)
	m.PipLibraries, more = types.MapValueFrom(ctx, types.StringType, versionsByName(image.PipLibraries))
	d.Append(more...)
	m.Pylock = textValue(image.Pylock)
}

func newImageReferenceModel(reference imageregistry.ImageReference) imageReferenceModel {
	return imageReferenceModel{
		Name:          textValue(reference.Name),
		ReferenceType: textValue(string(reference.ReferenceType)),
		Digest:        textValue(reference.Digest),
	}
}

// versionsByName is the version of each library by its normal name. Of a name that is told twice, it is the greater text: the same in every order.
func versionsByName(libraries []imageregistry.PipLibrary) map[string]string {
	versions := make(map[string]string, len(libraries))
	for _, l := range libraries {
		name := pep508.NormalizeName(l.Name)
		versions[name] = max(versions[name], l.Version)
	}
	return versions
}

// newBuildObject is the attribute `build`; null for no build.
func newBuildObject(ctx context.Context, build imageregistry.Build, d *diag.Diagnostics) types.Object {
	if build.ID == "" {
		return types.ObjectNull(buildType.AttrTypes)
	}
	object, more := types.ObjectValueFrom(ctx, buildType.AttrTypes, newBuildModel(build))
	d.Append(more...)
	return object
}

func newBuildModel(build imageregistry.Build) buildModel {
	model := buildModel{
		ID:                 types.StringValue(build.ID),
		Status:             textValue(string(build.Status)),
		CreatedAt:          timeValue(build.CreatedAt),
		StartedAt:          timeValue(build.StartedAt),
		CompletedAt:        timeValue(build.CompletedAt),
		RunningTimeSeconds: types.Float64Value(math.Round(build.RunningTime.Seconds()*1000) / 1000),
		LogsURL:            textValue(build.LogsURL),
	}
	if build.Failure != nil {
		model.Error = textValue(build.Failure.Message)
	}
	return model
}

// textValue is the text, or null for none.
func textValue(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// timeValue is the time as RFC 3339 in UTC, or null for none.
func timeValue(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.UTC().Format(time.RFC3339))
}
