package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

var _ function.Function = parsePipRequirementsFunction{}

func newParsePipRequirementsFunction() function.Function { return parsePipRequirementsFunction{} }

// parsePipRequirementsFunction is the function parse_pip_requirements.
type parsePipRequirementsFunction struct{}

// Metadata implements function.Function.
func (parsePipRequirementsFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_pip_requirements"
}

// Definition implements function.Function.
func (parsePipRequirementsFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The pip requirements of a requirements.txt",
		MarkdownDescription: "Reads the text of a `requirements.txt` and returns what `pip_requirements` of `rime_managed_image` takes: a set of strings such as `numpy>=1.26,<2`, in their canonical spelling. " +
			"Comments, empty lines and lines joined by a backslash are read as pip does. What a requirement of an image cannot hold is an error that names the line, and never left out: " +
			"options such as `-r` and `--index-url`, direct references, environment markers, hashes. Needs Terraform 1.8.",
		Parameters: []function.Parameter{function.StringParameter{Name: "text", MarkdownDescription: "The text, as `file(\"requirements.txt\")` reads it. May be empty."}},
		Return:     function.SetReturn{ElementType: types.StringType},
	}
}

// Run implements function.Function.
func (parsePipRequirementsFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	if resp.Error = req.Arguments.Get(ctx, &text); resp.Error != nil {
		return
	}
	pips, refused := requirement.ParsePipFile(text, nil)
	if len(refused) > 0 {
		resp.Error = diags.InvalidRequirementsFile(0, refused)
		return
	}
	resp.Error = resp.Result.Set(ctx, pipSet(pips))
}
