package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

var _ function.Function = parseCondaSpecFunction{}

func newParseCondaSpecFunction() function.Function { return parseCondaSpecFunction{} }

// parseCondaSpecFunction is the function parse_conda_spec.
type parseCondaSpecFunction struct{}

// Metadata implements function.Function.
func (parseCondaSpecFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_conda_spec"
}

// Definition implements function.Function.
func (parseCondaSpecFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The parts of a match specification of conda",
		MarkdownDescription: "Takes a match specification of conda apart, `(channel(/subdir):(namespace):)name(version(build))[key=value,…]`, and returns an object with these attributes, `null` where the text does not have them:\n\n" +
			"- `channel`: where the package comes from, a name or an address.\n" +
			"- `subdir`: the platform's directory of the channel, such as `linux-64`.\n" +
			"- `namespace`: what stands between two colons; conda reserves it.\n" +
			"- `name`: the package, in lower case.\n" +
			"- `version`: comparisons, each with its operator: `==1.17.4` is that version, `=1.17` any that begins so; `,` is and, `|` is or.\n" +
			"- `build`: the text of the build, perhaps with `*`.\n" +
			"- `attributes`: a map of what stands in brackets, empty for none.\n\n" +
			"Whether PrimeHub passes a spelling on to conda is another question, which the plan of `rime_group_image` answers. Needs Terraform 1.8.",
		Parameters: []function.Parameter{function.StringParameter{Name: "text", MarkdownDescription: "The specification, such as `conda-forge::numpy==1.17.*`."}},
		Return: function.ObjectReturn{AttributeTypes: map[string]attr.Type{
			"channel": types.StringType, "subdir": types.StringType, "namespace": types.StringType, "name": types.StringType,
			"version": types.StringType, "build": types.StringType, "attributes": types.MapType{ElemType: types.StringType},
		}},
	}
}

// Run implements function.Function.
func (parseCondaSpecFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	if resp.Error = req.Arguments.Get(ctx, &text); resp.Error != nil {
		return
	}
	spec, err := requirement.ParseCondaSpec(text)
	if err != nil {
		resp.Error = diags.InvalidRequirement(0, err)
		return
	}
	attributes := spec.Attributes
	if attributes == nil {
		attributes = map[string]string{}
	}
	resp.Error = resp.Result.Set(ctx, condaSpecResult{
		Channel: textValue(spec.Channel), Subdir: textValue(spec.Subdir), Namespace: textValue(spec.Namespace), Name: spec.Name,
		Version: textValue(spec.Version), Build: textValue(spec.Build), Attributes: attributes,
	})
}

// condaSpecResult is the specification that the function returns.
type condaSpecResult struct {
	Channel    types.String      `tfsdk:"channel"`
	Subdir     types.String      `tfsdk:"subdir"`
	Namespace  types.String      `tfsdk:"namespace"`
	Name       string            `tfsdk:"name"`
	Version    types.String      `tfsdk:"version"`
	Build      types.String      `tfsdk:"build"`
	Attributes map[string]string `tfsdk:"attributes"`
}
