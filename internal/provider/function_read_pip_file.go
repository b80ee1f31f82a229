package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

var _ function.Function = readPipFileFunction{}

func newReadPipFileFunction() function.Function { return readPipFileFunction{} }

// readPipFileFunction is the function read_pip_file.
type readPipFileFunction struct{}

// Metadata implements function.Function.
func (readPipFileFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "read_pip_file"
}

// Definition implements function.Function.
func (readPipFileFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "All that a requirements.txt says: requirements, constraints, indexes",
		MarkdownDescription: "Reads the text of a `requirements.txt` as `parse_pip_requirements` does, for a file that has constraints or names indexes. " +
			"Returns an object with these attributes:\n\n" +
			"- `requirements`: a set for `pip_requirements` of `rime_managed_image`.\n" +
			"- `constraints`: a set for `pip_constraints` of `rime_managed_image`: what the files that `-c` names say.\n" +
			"- `index_url`: for `embedded_registry.pip.index_url` of the provider, from `--index-url`. `null` where no line says so.\n" +
			"- `extra_index_urls`: a list for `embedded_registry.pip.extra_index_urls`, from `--extra-index-url`. As for pip, " +
			"a line `--index-url` takes back those before it.\n" +
			"- `find_links`: a list of pages with links to files, from `--find-links`. They belong into `embedded_registry.pip.config`: " +
			"`config = \"[global]\\nfind-links = ${join(\" \", local.file.find_links)}\\n\"`.\n\n" +
			"Indexes hold for all images of a provider. A file with indexes of its own is for an aliased provider, or for one whose other images may have them too. " +
			"Where an address has credentials in it, so has the result: give it to the provider only, which keeps it out of state and plan.\n\n" +
			"Options that change nothing about what is installed are left out: `--trusted-host`, `--use-feature`, `--no-require-hashes`. " +
			"Any other option is an error that says what to write instead: `--pre`, `--no-index`, `--no-binary`, `--only-binary`, `--prefer-binary`. " +
			"A file with hashes is a lock, for `pip_lock_file`. " +
			"The address of a repository without a name before it gets the name of the repository: where the distribution has another one, write `name @ address`. " +
			"Needs Terraform 1.8.",
		Parameters:        []function.Parameter{pipFileParameter()},
		VariadicParameter: includedFilesParameter(),
		Return: function.ObjectReturn{AttributeTypes: map[string]attr.Type{
			"requirements": types.SetType{ElemType: types.StringType}, "constraints": types.SetType{ElemType: types.StringType},
			"index_url": types.StringType, "extra_index_urls": types.ListType{ElemType: types.StringType}, "find_links": types.ListType{ElemType: types.StringType},
		}},
	}
}

// Run implements function.Function.
func (readPipFileFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	text, files, fault := pipFileArguments(ctx, req)
	if fault != nil {
		resp.Error = fault
		return
	}
	file, refused := requirement.ReadPipFile(text, files)
	if len(refused) > 0 {
		resp.Error = diags.InvalidRequirementsFile(0, refused)
		return
	}
	resp.Error = resp.Result.Set(ctx, pipFileResult{
		Requirements: pipSet(file.Requirements), Constraints: pipSet(file.Constraints), IndexURL: textValue(file.IndexURL),
		ExtraIndexURLs: append([]string{}, file.ExtraIndexURLs...), FindLinks: append([]string{}, file.FindLinks...),
	})
}

// pipFileResult is what the function returns.
type pipFileResult struct {
	Requirements   types.Set    `tfsdk:"requirements"`
	Constraints    types.Set    `tfsdk:"constraints"`
	IndexURL       types.String `tfsdk:"index_url"`
	ExtraIndexURLs []string     `tfsdk:"extra_index_urls"`
	FindLinks      []string     `tfsdk:"find_links"`
}
