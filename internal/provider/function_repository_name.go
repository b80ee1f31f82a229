package provider

import (
	"context"
	"path"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

var _ function.Function = repositoryNameFunction{}

func newRepositoryNameFunction() function.Function { return repositoryNameFunction{} }

// repositoryNameFunction is the function repository_name.
type repositoryNameFunction struct{}

// Metadata implements function.Function.
func (repositoryNameFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "repository_name"
}

// Definition implements function.Function.
func (repositoryNameFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The repository of a managed image",
		MarkdownDescription: "Returns the name, without the registry's host, of the repository that keeps a managed image: what `aws_ecr_repository_policy` and the ARNs of ECR take. " +
			"It is known before the image is built. A prefix or name that no image can have is an error. Needs Terraform 1.8.",
		Parameters: []function.Parameter{
			function.StringParameter{
				Name: "prefix",
				MarkdownDescription: "The prefix of the repositories: `effective_repository_prefix` of `rime_image_registry_config`, or `repository_prefix` of the provider's `embedded_registry`, " +
					"after the path of its `url` where that has one. May be empty.",
			},
			function.StringParameter{Name: "name", MarkdownDescription: "The name of the managed image."},
		},
		Return: function.StringReturn{},
	}
}

// Run implements function.Function.
func (repositoryNameFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var prefix, name string
	if resp.Error = req.Arguments.Get(ctx, &prefix, &name); resp.Error != nil {
		return
	}
	if prefix != "" {
		if problem := repositoryPrefixCheck.find(prefix); problem != nil {
			resp.Error = diags.InvalidArgument(0, prefix, problem)
			return
		}
	}
	if problem := imageNameCheck.find(name); problem != nil {
		resp.Error = diags.InvalidArgument(1, name, problem)
		return
	}
	resp.Error = resp.Result.Set(ctx, path.Join(prefix, name))
}
