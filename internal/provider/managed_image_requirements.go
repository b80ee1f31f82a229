package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// textSet is the set of these texts.
func textSet(all []string) types.Set {
	slices.Sort(all)
	values := make([]attr.Value, 0, len(all))
	for _, text := range slices.Compact(all) {
		values = append(values, types.StringValue(text))
	}
	return types.SetValueMust(types.StringType, values)
}

// pipRequirements is what a set asks for, and whether all of it is known. What a server sent and nobody can read stands for itself.
func pipRequirements(set types.Set) ([]requirement.Pip, bool) {
	known, whole := texts(set)
	pips := make([]requirement.Pip, 0, len(known))
	for _, text := range known {
		pip, err := requirement.ParsePip(text)
		if err != nil {
			pip = requirement.Pip{Name: text}
		}
		pips = append(pips, pip)
	}
	return pips, whole
}

// packages is what a set of packages of that kind asks for, and whether all of it is known.
func packages(set types.Set, t requirement.PackageType) ([]requirement.Package, bool) {
	known, whole := texts(set)
	all := make([]requirement.Package, 0, len(known))
	for _, text := range known {
		p, err := requirement.ParsePackage(text, t)
		if err != nil {
			p = requirement.Package{Name: text, Type: t}
		}
		all = append(all, p)
	}
	return all, whole
}

// pipSet is the set of these requirements, as people write them.
func pipSet(pips []requirement.Pip) types.Set {
	all := make([]string, 0, len(pips))
	for _, p := range pips {
		all = append(all, p.String())
	}
	return textSet(all)
}

// packageSet is the set of those of these packages that are of that kind, as people write them. What is not of Debian counts as one of Rocky Linux: of
// no other has a registry ever told.
func packageSet(all []requirement.Package, t requirement.PackageType) types.Set {
	var written []string
	for _, p := range all {
		if (p.Type == requirement.PackageTypeApt) == (t == requirement.PackageTypeApt) {
			written = append(written, p.String())
		}
	}
	return textSet(written)
}

func samePips(a, b types.Set) bool {
	left, leftWhole := pipRequirements(a)
	right, rightWhole := pipRequirements(b)
	return leftWhole && rightWhole && slices.Equal(requirement.CanonicalPips(left), requirement.CanonicalPips(right))
}

// samePackages compares sets of packages of that kind.
func samePackages(t requirement.PackageType) func(a, b types.Set) bool {
	return func(a, b types.Set) bool {
		left, leftWhole := packages(a, t)
		right, rightWhole := packages(b, t)
		return leftWhole && rightWhole && slices.Equal(requirement.CanonicalPackages(left), requirement.CanonicalPackages(right))
	}
}

var (
	sameAptPackages   = samePackages(requirement.PackageTypeApt)
	sameRockyPackages = samePackages(requirement.PackageTypeRockyLinux)
)

// keepSpelling keeps the prior value of a set of requirements in the plan where the configuration only spells the same
// differently: order, case, spacing, joined or split. (Semantic equality of the framework is not asked for at plan; core
// accepts the prior value for a configured one.)
type keepSpelling struct {
	same func(a, b types.Set) bool
}

var _ planmodifier.Set = keepSpelling{}

// Description implements planmodifier.Describer.
func (keepSpelling) Description(context.Context) string {
	return "Requirements that are only spelled differently are no change."
}

// MarkdownDescription implements planmodifier.Describer.
func (m keepSpelling) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

// PlanModifySet implements planmodifier.Set.
func (m keepSpelling) PlanModifySet(_ context.Context, req planmodifier.SetRequest, resp *planmodifier.SetResponse) {
	if !req.StateValue.IsNull() && m.same(req.StateValue, req.PlanValue) {
		resp.PlanValue = req.StateValue
	}
}

// requirementsCheck validates a set of requirements: each element that is known, and those together as a set.
type requirementsCheck[R any] struct {
	summary string
	// example is an element as it may be written.
	example  string
	parse    func(text string) (R, error)
	together func([]R) error
}

var (
	pipCheck = requirementsCheck[requirement.Pip]{
		summary: "Invalid Pip Requirement",
		example: "pandas>=2,<3",
		parse:   requirement.ParsePip,
		together: func(pips []requirement.Pip) error {
			_, err := requirement.JoinPips(pips)
			return err
		},
	}
	constraintsCheck = requirementsCheck[requirement.Pip]{
		summary:  "Invalid Pip Constraint",
		example:  "urllib3<2",
		parse:    requirement.ParseConstraint,
		together: pipCheck.together,
	}
	aptCheck   = packageCheck(requirement.PackageTypeApt, "libgomp1")
	rockyCheck = packageCheck(requirement.PackageTypeRockyLinux, "libgomp")
)

func packageCheck(t requirement.PackageType, example string) requirementsCheck[requirement.Package] {
	return requirementsCheck[requirement.Package]{
		summary:  "Invalid Package Requirement",
		example:  example,
		parse:    func(text string) (requirement.Package, error) { return requirement.ParsePackage(text, t) },
		together: requirement.CheckPackages,
	}
}

// Description implements validator.Describer.
func (c requirementsCheck[R]) Description(context.Context) string {
	return "must be requirements that the package manager understands and that do not exclude each other"
}

// MarkdownDescription implements validator.Describer.
func (c requirementsCheck[R]) MarkdownDescription(ctx context.Context) string {
	return c.Description(ctx)
}

// ValidateSet implements validator.Set.
func (c requirementsCheck[R]) ValidateSet(_ context.Context, req validator.SetRequest, resp *validator.SetResponse) {
	attribute := req.Path.String()
	if slices.ContainsFunc(req.ConfigValue.Elements(), attr.Value.IsNull) {
		resp.Diagnostics.Append(diags.NullElement(req.Path, c.example))
	}
	known, _ := texts(req.ConfigValue)
	valid := make([]R, 0, len(known))
	for _, text := range known {
		parsed, err := c.parse(text)
		if err != nil {
			at := shownPath(req.Path.AtSetValue(types.StringValue(text)))
			resp.Diagnostics.Append(diags.InvalidRequirements(c.summary, attribute, at, err)...)
			continue
		}
		valid = append(valid, parsed)
	}
	if err := c.together(valid); err != nil {
		resp.Diagnostics.Append(diags.InvalidRequirements(c.summary, attribute, req.Path, err)...)
	}
}
