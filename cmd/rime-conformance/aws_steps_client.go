package main

import (
	"context"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// registrySpec is what the provider's client makes of an ordinary configuration.
func registrySpec() awsregistry.RegistrySpec {
	names := awsregistry.ModuleNames("prod", "rime")
	server, builder := awsregistry.ModuleServiceAccounts("prod", "rime")
	trust := func(account awsregistry.ServiceAccount) awsregistry.TrustSpec {
		return awsregistry.TrustSpec{OIDCProviderURL: "https://oidc.example.com/id/1", ServiceAccounts: []awsregistry.ServiceAccount{account}}
	}
	return awsregistry.RegistrySpec{
		Prefix:  "ml/prod",
		Server:  awsregistry.IdentitySpec{RoleName: names.ServerRole, PolicyName: names.ServerPolicy, Trust: trust(server)},
		Builder: awsregistry.IdentitySpec{RoleName: names.BuilderRole, PolicyName: names.BuilderPolicy, Trust: trust(builder)},
		Tags:    map[string]string{"team": "ml"},
		Owner:   "0123456789abcdef",
	}
}

// clientSteps are all that the provider's client can do.
func clientSteps() []step { return slices.Concat(registrySteps(), embeddedSteps()) }

// registrySteps are what rime_image_registry_config and its data sources do.
func registrySteps() []step {
	spec, changed := registrySpec(), registrySpec()
	changed.Tags = map[string]string{"stage": "prod"}
	changed.Repositories = awsregistry.RepositorySettings{TagMutability: "IMMUTABLE", ScanOnPush: new(true), LifecyclePolicy: expireAll}
	changed.Server.Trust = awsregistry.TrustSpec{PodIdentity: true}
	read := func(spec awsregistry.RegistrySpec) func(context.Context, *awsregistry.Client) (awsregistry.Registry, error) {
		return func(ctx context.Context, c *awsregistry.Client) (awsregistry.Registry, error) {
			return c.ReadRegistry(ctx, spec)
		}
	}
	repository := new("ml/prod/churn")
	return []step{
		ours("Account", func(ctx context.Context, c *awsregistry.Client) (awsregistry.Account, error) { return c.Account(ctx) }),
		onECR("CreateRepository: under the prefix", (*ecr.Client).CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: repository}),
		ours("ReadRegistry: nothing", read(spec)),
		ours("CreateRegistry", func(ctx context.Context, c *awsregistry.Client) (awsregistry.Registry, error) {
			return c.CreateRegistry(ctx, spec)
		}),
		ours("UpdateRegistry", func(ctx context.Context, c *awsregistry.Client) (awsregistry.Registry, error) {
			return c.UpdateRegistry(ctx, changed, spec)
		}),
		onIAM("PutRolePolicy", (*iam.Client).PutRolePolicy, &iam.PutRolePolicyInput{RoleName: &spec.Server.RoleName, PolicyName: new("key"), PolicyDocument: new(everything)}),
		onIAM("DetachRolePolicy: by hand", (*iam.Client).DetachRolePolicy, &iam.DetachRolePolicyInput{
			RoleName: &spec.Builder.RoleName, PolicyArn: new("arn:aws:iam::123456789012:policy/" + spec.Builder.PolicyName),
		}),
		onECR("DeleteLifecyclePolicy: by hand", (*ecr.Client).DeleteLifecyclePolicy, &ecr.DeleteLifecyclePolicyInput{RepositoryName: repository}),
		ours("ReadRegistry", read(changed)),
		ours("Drift", func(ctx context.Context, c *awsregistry.Client) ([]awsregistry.Drift, error) {
			registry, err := c.ReadRegistry(ctx, changed)
			return c.Drift(changed, registry), err
		}),
		ours("DeleteRegistry", done(func(ctx context.Context, c *awsregistry.Client) error { return c.DeleteRegistry(ctx, changed) })),
		ours("ReadRegistry: nothing any more", read(changed)),
		ours("CreateRegistry: anew", func(ctx context.Context, c *awsregistry.Client) (awsregistry.Registry, error) {
			return c.CreateRegistry(ctx, changed)
		}),
		ours("DeleteRegistry: anew", done(func(ctx context.Context, c *awsregistry.Client) error { return c.DeleteRegistry(ctx, changed) })),
		ours("ReadRegistry: nothing once more", read(changed)),
		onECR("DeleteRepository: under the prefix", (*ecr.Client).DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: repository}),
	}
}

// embeddedSteps are what the embedded registry, the data sources and rime_registry_credentials do.
func embeddedSteps() []step {
	const repository = "ml/prod/churn"
	settings := awsregistry.RepositorySettings{TagMutability: "IMMUTABLE", ScanOnPush: new(true), LifecyclePolicy: expireAll, Tags: map[string]string{"team": "ml"}}
	prepare := done(func(ctx context.Context, c *awsregistry.Client) error {
		return c.PrepareRepository(ctx, repository, settings)
	})
	remove := done(func(ctx context.Context, c *awsregistry.Client) error { return c.RemoveRepository(ctx, repository) })
	return []step{
		ours("PrepareRepository", prepare),
		ours("PrepareRepository: again", prepare),
		ours("Repository", func(ctx context.Context, c *awsregistry.Client) (awsregistry.Repository, error) {
			return c.Repository(ctx, repository)
		}),
		ours("Repositories", func(ctx context.Context, c *awsregistry.Client) ([]awsregistry.Repository, error) {
			return all(c.Repositories(ctx, "ml/prod"))
		}),
		ours("LifecyclePolicy", func(ctx context.Context, c *awsregistry.Client) (string, error) {
			return c.LifecyclePolicy(ctx, repository)
		}),
		onECR("PutImage: into it", (*ecr.Client).PutImage, &ecr.PutImageInput{RepositoryName: new(repository), ImageManifest: new(firstImage), ImageTag: new("a"), ImageDigest: new(digestOf(firstImage))}),
		ours("Images", func(ctx context.Context, c *awsregistry.Client) ([]awsregistry.Image, error) {
			return all(c.Images(ctx, repository))
		}),
		ours("Contents", func(ctx context.Context, c *awsregistry.Client) (awsregistry.Contents, error) {
			return c.Contents(ctx, repository)
		}),
		ours("Credentials", func(ctx context.Context, c *awsregistry.Client) (awsregistry.Credentials, error) {
			return c.Credentials(ctx)
		}),
		ours("PreviewLifecyclePolicy", func(ctx context.Context, c *awsregistry.Client) (awsregistry.Preview, error) {
			return c.PreviewLifecyclePolicy(ctx, repository, "")
		}),
		ours("RemoveRepository: it is not empty", remove),
		onECR("DescribeRepositories: it is still there", (*ecr.Client).DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{repository}}),
		onECR("DeleteRepository: with its images", (*ecr.Client).DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: new(repository), Force: true}),
		ours("PrepareRepository: anew", prepare),
		ours("RemoveRepository", remove),
		ours("Repository: it is gone", func(ctx context.Context, c *awsregistry.Client) (awsregistry.Repository, error) {
			return c.Repository(ctx, repository)
		}),
	}
}

// done is for what has no result.
func done(do func(context.Context, *awsregistry.Client) error) func(context.Context, *awsregistry.Client) (string, error) {
	return func(ctx context.Context, c *awsregistry.Client) (string, error) { return "done", do(ctx, c) }
}

// all collects a list until its end or an error.
func all[T any](list iter.Seq2[T, error]) ([]T, error) {
	var found []T
	for one, err := range list {
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return found, nil
}
