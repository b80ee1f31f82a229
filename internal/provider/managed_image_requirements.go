package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// pipRequirementModel is an element of pip_requirements.
type pipRequirementModel struct {
	Name             types.String `tfsdk:"name"`
	VersionSpecifier types.String `tfsdk:"version_specifier"`
}

var pipRequirementType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"name":              types.StringType,
	"version_specifier": types.StringType,
}}

func (m pipRequirementModel) requirement() requirement.Pip {
	return requirement.Pip{Name: m.Name.ValueString(), VersionSpecifier: m.VersionSpecifier.ValueString()}
}

func (m pipRequirementModel) check() (requirement.Pip, error) {
	return requirement.ParsePip(m.requirement().String())
}

// packageRequirementModel is an element of package_requirements.
type packageRequirementModel struct {
	Name             types.String `tfsdk:"name"`
	VersionSpecifier types.String `tfsdk:"version_specifier"`
	PackageType      types.String `tfsdk:"package_type"`
}

var packageRequirementType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"name":              types.StringType,
	"version_specifier": types.StringType,
	"package_type":      types.StringType,
}}

func (m packageRequirementModel) requirement() requirement.Package {
	return requirement.Package{
		Name:             m.Name.ValueString(),
		VersionSpecifier: m.VersionSpecifier.ValueString(),
		Type:             m.packageType(),
	}
}

// packageType is what no type stands for as well: the one that today's RIME platforms install (internal/rime/CONTRACT.md §8 item 27). Where that is not sure to be right,
// [managedImageResource.checkPackageTypes] refuses to go without.
func (m packageRequirementModel) packageType() requirement.PackageType {
	if m.PackageType.IsNull() {
		return requirement.PackageTypeRockyLinux
	}
	return requirement.PackageType(m.PackageType.ValueString())
}

func (m packageRequirementModel) check() (requirement.Package, error) {
	return requirement.ParsePackage(m.requirement().String(), m.packageType())
}

// A requirementModel is one of the two above; R is what it stands for.
type requirementModel[R comparable] interface {
	requirement() R
	check() (R, error)
}

// element is one element of a set of requirements, and the value it was decoded from, which is how Terraform addresses it.
type element[M any] struct {
	model M
	value attr.Value
}

// decode gives the elements of a set that are known. Whole tells that these are all of them: a set at plan may be unknown, or
// an element of it, or an attribute of an element.
func decode[M any](ctx context.Context, set types.Set) (known []element[M], whole bool) {
	whole = !set.IsUnknown()
	for _, value := range set.Elements() {
		object, ok := value.(types.Object)
		if !ok || object.IsNull() || object.IsUnknown() || hasUnknown(object) {
			whole = false
			continue
		}
		var model M
		if object.As(ctx, &model, basetypes.ObjectAsOptions{}).HasError() {
			whole = false
			continue
		}
		known = append(known, element[M]{model, value})
	}
	return known, whole
}

func hasUnknown(object types.Object) bool {
	for _, value := range object.Attributes() {
		if value.IsUnknown() {
			return true
		}
	}
	return false
}

// requirements is what a set asks for, and whether all of it is known.
func requirements[M requirementModel[R], R comparable](ctx context.Context, set types.Set) ([]R, bool) {
	known, whole := decode[M](ctx, set)
	asked := make([]R, 0, len(known))
	for _, e := range known {
		asked = append(asked, e.model.requirement())
	}
	return asked, whole
}

func pipRequirements(ctx context.Context, set types.Set) ([]requirement.Pip, bool) {
	return requirements[pipRequirementModel](ctx, set)
}

func packageRequirements(ctx context.Context, set types.Set) ([]requirement.Package, bool) {
	return requirements[packageRequirementModel](ctx, set)
}

func samePips(ctx context.Context, a, b types.Set) bool {
	left, leftWhole := pipRequirements(ctx, a)
	right, rightWhole := pipRequirements(ctx, b)
	return leftWhole && rightWhole && slices.Equal(requirement.CanonicalPips(left), requirement.CanonicalPips(right))
}

func samePackages(ctx context.Context, a, b types.Set) bool {
	left, leftWhole := packageRequirements(ctx, a)
	right, rightWhole := packageRequirements(ctx, b)
	return leftWhole && rightWhole && slices.Equal(requirement.CanonicalPackages(left), requirement.CanonicalPackages(right))
}

// pipSet is the set of these requirements, spelled as they are.
func pipSet(ctx context.Context, pips []requirement.Pip, d *diag.Diagnostics) types.Set {
	models := make([]pipRequirementModel, 0, len(pips))
	for _, p := range pips {
		models = append(models, pipRequirementModel{types.StringValue(p.Name), textValue(p.VersionSpecifier)})
	}
	set, more := types.SetValueFrom(ctx, pipRequirementType, models)
	d.Append(more...)
	return set
}

// packageSet is the set of these requirements, spelled as they are.
func packageSet(ctx context.Context, packages []requirement.Package, d *diag.Diagnostics) types.Set {
	models := make([]packageRequirementModel, 0, len(packages))
	for _, p := range packages {
		models = append(models, packageRequirementModel{types.StringValue(p.Name), textValue(p.VersionSpecifier), textValue(string(p.Type))})
	}
	set, more := types.SetValueFrom(ctx, packageRequirementType, models)
	d.Append(more...)
	return set
}

// keepSpelling keeps the prior value of a set of requirements in the plan where the configuration only spells the same
// differently: order, case, spacing, order of specifiers. (Semantic equality of the framework is not asked for at plan; core
// accepts the prior value for a configured one.)
type keepSpelling struct {
	same func(ctx context.Context, a, b types.Set) bool
}

var _ planmodifier.Set = keepSpelling{}

// Description implements planmodifier.Describer.
func (keepSpelling) Description(context.Context) string {
	return "Requirements that are only spelled differently are no change."
}

// MarkdownDescription implements planmodifier.Describer.
func (m keepSpelling) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

// PlanModifySet implements planmodifier.Set.
func (m keepSpelling) PlanModifySet(ctx context.Context, req planmodifier.SetRequest, resp *planmodifier.SetResponse) {
	if !req.StateValue.IsNull() && m.same(ctx, req.StateValue, req.PlanValue) {
		resp.PlanValue = req.StateValue
	}
}

// requirementsCheck validates a set of requirements: each element that is known, and those together as a set.
type requirementsCheck[M requirementModel[R], R comparable] struct {
	summary  string
	together func([]R) error
}

// Description implements validator.Describer.
func (c requirementsCheck[M, R]) Description(context.Context) string {
	return "must be requirements that the package manager understands, each package once, that do not exclude each other"
}

// MarkdownDescription implements validator.Describer.
func (c requirementsCheck[M, R]) MarkdownDescription(ctx context.Context) string {
	return c.Description(ctx)
}

// ValidateSet implements validator.Set.
func (c requirementsCheck[M, R]) ValidateSet(ctx context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	known, _ := decode[M](ctx, req.ConfigValue)
	attribute := req.Path.String()
	valid := make([]R, 0, len(known))
	for _, e := range known {
		parsed, err := e.model.check()
		if err != nil {
			resp.Diagnostics.Append(diags.InvalidRequirements(c.summary, attribute, req.Path.AtSetValue(e.value), err)...)
			continue
		}
		valid = append(valid, parsed)
	}
	if err := c.together(valid); err != nil {
		resp.Diagnostics.Append(diags.InvalidRequirements(c.summary, attribute, req.Path, err)...)
	}
}
