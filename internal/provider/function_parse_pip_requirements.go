package provider

import (
	"context"
	"maps"

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
		MarkdownDescription: "Reads the text of a `requirements.txt` and returns what `pip_requirements` of `rime_managed_image` takes: " +
			"a set of strings such as `numpy>=1.26,<2`, in their canonical spelling.\n\n" +
			"Lines, comments and backslashes are read as pip reads them. Requirements of one distribution are joined as pip joins them: " +
			"the extras of all, and every comparison holds. Where no version can meet the comparisons, the error names the lines.\n\n" +
			"A line `-r other.txt` is replaced by that file, whose text the second argument holds. Paths are those of pip: " +
			"relative to the file that holds the line. Constraints (`-c other.txt`) bind the distributions that a requirement names. " +
			"For those of any other distribution, and for lines that name an index, use `read_pip_file`.\n\n" +
			"Environment markers stay, and are judged for the image. So do addresses of archives and of repositories of git. " +
			"What a requirement of an image cannot hold is an error that names the line and says what to write instead, and never left out, " +
			"unless it changes nothing about what is installed (`--trusted-host`). A file with hashes is a lock, for `pip_lock_file`. Needs Terraform 1.8.",
		Parameters:        []function.Parameter{pipFileParameter()},
		VariadicParameter: includedFilesParameter(),
		Return:            function.SetReturn{ElementType: types.StringType},
	}
}

// Run implements function.Function.
func (parsePipRequirementsFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	text, files, fault := pipFileArguments(ctx, req)
	if fault != nil {
		resp.Error = fault
		return
	}
	pips, refused := requirement.ParsePipFile(text, files)
	if len(refused) > 0 {
		resp.Error = diags.InvalidRequirementsFile(0, refused)
		return
	}
	resp.Error = resp.Result.Set(ctx, pipSet(pips))
}

// pipFileParameter is the text of a requirements file.
func pipFileParameter() function.Parameter {
	return function.StringParameter{
		Name:                "text",
		MarkdownDescription: "The text, as `file(\"requirements.txt\")` reads it. May be empty.",
	}
}

// includedFilesParameter is the files that it includes.
func includedFilesParameter() function.Parameter {
	return function.MapParameter{
		Name:        "files",
		ElementType: types.StringType,
		MarkdownDescription: "The texts of included files by their paths, such as `{ \"base.txt\" = file(\"base.txt\") }`. " +
			"A path is relative to the first file. A file that no line includes is not read. Several maps count as one. Defaults to none.",
	}
}

// pipFileArguments are the arguments of a function that reads a requirements file.
func pipFileArguments(ctx context.Context, req function.RunRequest) (text string, files map[string]string, fault *function.FuncError) {
	var given []map[string]string
	if fault = req.Arguments.Get(ctx, &text, &given); fault != nil {
		return "", nil, fault
	}
	files = map[string]string{}
	for _, more := range given {
		maps.Copy(files, more)
	}
	return text, files, nil
}
