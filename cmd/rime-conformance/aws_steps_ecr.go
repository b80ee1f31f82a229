package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

const (
	expireAll = `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`
	badRules  = `{"rules":[{"rulePriority":0,"selection":{"tagStatus":"none","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}`
	// firstImage and secondImage are manifests that need no layers.
	firstImage  = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`
	secondImage = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"second":"true"}}`
	noDigest    = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	arnOfOne    = "arn:aws:ecr:us-east-1:123456789012:repository/ml/one"
	arnOfNone   = "arn:aws:ecr:us-east-1:123456789012:repository/ml/none"
)

var (
	one, two, none = new("ml/one"), new("ml/two"), new("ml/none")
	tagged         = []types.Tag{{Key: new("team"), Value: new("ml")}}
)

func ecrSteps() []step {
	return slices.Concat(repositorySteps(), lifecycleSteps(), imageSteps(), templateSteps(), removalSteps())
}

func repositorySteps() []step {
	scan := &types.ImageScanningConfiguration{ScanOnPush: true}
	exclusions := []types.ImageTagMutabilityExclusionFilter{{FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard, Filter: new("rime-*")}}
	create, describe := (*ecr.Client).CreateRepository, (*ecr.Client).DescribeRepositories
	return []step{
		onECR("DescribeRepositories: there are none", describe, &ecr.DescribeRepositoriesInput{}),
		onECR("CreateRepository", create, &ecr.CreateRepositoryInput{RepositoryName: one}),
		onECR("CreateRepository: it exists", create, &ecr.CreateRepositoryInput{RepositoryName: one}),
		onECR("CreateRepository: a bad name", create, &ecr.CreateRepositoryInput{RepositoryName: new("ML/One")}),
		onECR("CreateRepository: with settings", create, &ecr.CreateRepositoryInput{
			RepositoryName: two, Tags: tagged, ImageTagMutability: types.ImageTagMutabilityImmutable, ImageScanningConfiguration: scan,
		}),
		onECR("CreateRepository: encrypted by KMS", create, &ecr.CreateRepositoryInput{
			RepositoryName: new("ml/secret"), EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms, KmsKey: new("alias/ml")},
		}),
		onECR("CreateRepository: with exclusions", create, &ecr.CreateRepositoryInput{
			RepositoryName: new("ml/excluding"), ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion, ImageTagMutabilityExclusionFilters: exclusions,
		}),
		onECR("DeleteRepository", (*ecr.Client).DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: new("ml/secret")}),
		onECR("DescribeRepositories", describe, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{*one, *two}}),
		onECR("DescribeRepositories: one is missing", describe, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{*one, *none}}),
		onECR("ListTagsForResource", (*ecr.Client).ListTagsForResource, &ecr.ListTagsForResourceInput{ResourceArn: new("arn:aws:ecr:us-east-1:123456789012:repository/ml/two")}),
		onECR("ListTagsForResource: it is missing", (*ecr.Client).ListTagsForResource, &ecr.ListTagsForResourceInput{ResourceArn: new(arnOfNone)}),
		onECR("TagResource", (*ecr.Client).TagResource, &ecr.TagResourceInput{ResourceArn: new(arnOfOne), Tags: tagged}),
		onECR("UntagResource", (*ecr.Client).UntagResource, &ecr.UntagResourceInput{ResourceArn: new(arnOfOne), TagKeys: []string{"team", "none"}}),
		onECR("ListTagsForResource: they are gone", (*ecr.Client).ListTagsForResource, &ecr.ListTagsForResourceInput{ResourceArn: new(arnOfOne)}),
		onECR("PutImageTagMutability", (*ecr.Client).PutImageTagMutability, &ecr.PutImageTagMutabilityInput{RepositoryName: one, ImageTagMutability: types.ImageTagMutabilityImmutable}),
		onECR("PutImageTagMutability: exclusions of nothing", (*ecr.Client).PutImageTagMutability, &ecr.PutImageTagMutabilityInput{
			RepositoryName: one, ImageTagMutability: types.ImageTagMutabilityMutable, ImageTagMutabilityExclusionFilters: exclusions,
		}),
		onECR("PutImageTagMutability: with exclusions", (*ecr.Client).PutImageTagMutability, &ecr.PutImageTagMutabilityInput{
			RepositoryName: one, ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion, ImageTagMutabilityExclusionFilters: exclusions,
		}),
		onECR("PutImageTagMutability: no such value", (*ecr.Client).PutImageTagMutability, &ecr.PutImageTagMutabilityInput{RepositoryName: one, ImageTagMutability: "SOMETIMES"}),
		onECR("PutImageTagMutability: it is missing", (*ecr.Client).PutImageTagMutability, &ecr.PutImageTagMutabilityInput{RepositoryName: none, ImageTagMutability: types.ImageTagMutabilityMutable}),
		onECR("PutImageScanningConfiguration", (*ecr.Client).PutImageScanningConfiguration, &ecr.PutImageScanningConfigurationInput{RepositoryName: one, ImageScanningConfiguration: scan}),
		onECR("PutImageScanningConfiguration: it is missing", (*ecr.Client).PutImageScanningConfiguration, &ecr.PutImageScanningConfigurationInput{RepositoryName: none, ImageScanningConfiguration: scan}),
		onECR("DescribeRepositories: after the changes", describe, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{*one}}),
		onECR("GetAuthorizationToken", (*ecr.Client).GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{}),
	}
}

func lifecycleSteps() []step {
	get, put, remove := (*ecr.Client).GetLifecyclePolicy, (*ecr.Client).PutLifecyclePolicy, (*ecr.Client).DeleteLifecyclePolicy
	start, preview := (*ecr.Client).StartLifecyclePolicyPreview, (*ecr.Client).GetLifecyclePolicyPreview
	return []step{
		onECR("GetLifecyclePolicy: there is none", get, &ecr.GetLifecyclePolicyInput{RepositoryName: one}),
		onECR("GetLifecyclePolicy: no repository", get, &ecr.GetLifecyclePolicyInput{RepositoryName: none}),
		onECR("DeleteLifecyclePolicy: there is none", remove, &ecr.DeleteLifecyclePolicyInput{RepositoryName: one}),
		onECR("StartLifecyclePolicyPreview: there is none", start, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: one}),
		onECR("GetLifecyclePolicyPreview: there is none", preview, &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: one}),
		onECR("PutLifecyclePolicy", put, &ecr.PutLifecyclePolicyInput{RepositoryName: one, LifecyclePolicyText: new(expireAll)}),
		onECR("PutLifecyclePolicy: no repository", put, &ecr.PutLifecyclePolicyInput{RepositoryName: none, LifecyclePolicyText: new(expireAll)}),
		onECR("PutLifecyclePolicy: bad rules", put, &ecr.PutLifecyclePolicyInput{RepositoryName: one, LifecyclePolicyText: new(badRules)}),
		onECR("PutLifecyclePolicy: no JSON", put, &ecr.PutLifecyclePolicyInput{RepositoryName: one, LifecyclePolicyText: new("none")}),
		onECR("GetLifecyclePolicy", get, &ecr.GetLifecyclePolicyInput{RepositoryName: one}),
		onECR("StartLifecyclePolicyPreview", start, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: one}),
		onECR("DeleteLifecyclePolicy", remove, &ecr.DeleteLifecyclePolicyInput{RepositoryName: one}),
		onECR("DeleteLifecyclePolicy: no repository", remove, &ecr.DeleteLifecyclePolicyInput{RepositoryName: none}),
	}
}

func imageSteps() []step {
	put, describe, list, get, remove := (*ecr.Client).PutImage, (*ecr.Client).DescribeImages, (*ecr.Client).ListImages, (*ecr.Client).BatchGetImage, (*ecr.Client).BatchDeleteImage
	tag := func(names ...string) (ids []types.ImageIdentifier) {
		for _, name := range names {
			ids = append(ids, types.ImageIdentifier{ImageTag: &name})
		}
		return ids
	}
	// image is one to put. Without a digest, moto makes up one of a hundred.
	image := func(repository *string, manifest, tag string) *ecr.PutImageInput {
		return &ecr.PutImageInput{
			RepositoryName: repository, ImageManifest: &manifest, ImageManifestMediaType: new("application/vnd.oci.image.index.v1+json"), ImageTag: &tag, ImageDigest: new(digestOf(manifest)),
		}
	}
	return []step{
		onECR("DescribeImages: there are none", describe, &ecr.DescribeImagesInput{RepositoryName: two}),
		onECR("PutImage", put, image(two, firstImage, "a")),
		onECR("PutImage: the same again", put, image(two, firstImage, "a")),
		onECR("PutImage: another tag", put, image(two, firstImage, "b")),
		onECR("PutImage: an immutable tag", put, image(two, secondImage, "a")),
		onECR("PutImage: another image", put, image(two, secondImage, "c")),
		onECR("PutImage: no repository", put, image(none, firstImage, "a")),
		{"PutImage: without a digest", func(ctx context.Context, a *account) (any, error) {
			out, err := put(a.ecr, ctx, &ecr.PutImageInput{RepositoryName: one, ImageManifest: new(firstImage), ImageTag: new("a")})
			if err != nil {
				return nil, err
			}
			return map[string]any{"OfTheManifest": *out.Image.ImageId.ImageDigest == digestOf(firstImage)}, nil
		}},
		onECR("DescribeImages", describe, &ecr.DescribeImagesInput{RepositoryName: two}),
		onECR("DescribeImages: by tags", describe, &ecr.DescribeImagesInput{RepositoryName: two, ImageIds: tag("a", "c")}),
		onECR("DescribeImages: one is missing", describe, &ecr.DescribeImagesInput{RepositoryName: two, ImageIds: tag("a", "none")}),
		onECR("DescribeImages: no repository", describe, &ecr.DescribeImagesInput{RepositoryName: none}),
		onECR("ListImages", list, &ecr.ListImagesInput{RepositoryName: two}),
		onECR("BatchGetImage", get, &ecr.BatchGetImageInput{RepositoryName: two, ImageIds: tag("a", "none")}),
		onECR("DeleteRepository: it is not empty", (*ecr.Client).DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: two}),
		onECR("BatchDeleteImage: one of two tags", remove, &ecr.BatchDeleteImageInput{RepositoryName: two, ImageIds: tag("b")}),
		onECR("DescribeImages: it has lost a tag", describe, &ecr.DescribeImagesInput{RepositoryName: two, ImageIds: tag("a")}),
		onECR("BatchDeleteImage: no such tag", remove, &ecr.BatchDeleteImageInput{RepositoryName: two, ImageIds: tag("none")}),
		onECR("BatchDeleteImage: no such digest", remove, &ecr.BatchDeleteImageInput{RepositoryName: two, ImageIds: []types.ImageIdentifier{{ImageDigest: new(noDigest)}}}),
		onECR("BatchDeleteImage", remove, &ecr.BatchDeleteImageInput{RepositoryName: two, ImageIds: tag("a", "c")}),
		onECR("ListImages: they are gone", list, &ecr.ListImagesInput{RepositoryName: two}),
	}
}

func templateSteps() []step {
	prefix := new("ml")
	events := []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}
	return []step{
		onECR("CreateRepositoryCreationTemplate", (*ecr.Client).CreateRepositoryCreationTemplate, &ecr.CreateRepositoryCreationTemplateInput{Prefix: prefix, AppliedFor: events}),
		onECR("DescribeRepositoryCreationTemplates", (*ecr.Client).DescribeRepositoryCreationTemplates, &ecr.DescribeRepositoryCreationTemplatesInput{Prefixes: []string{*prefix}}),
		onECR("UpdateRepositoryCreationTemplate", (*ecr.Client).UpdateRepositoryCreationTemplate, &ecr.UpdateRepositoryCreationTemplateInput{Prefix: prefix, AppliedFor: events}),
		onECR("DeleteRepositoryCreationTemplate", (*ecr.Client).DeleteRepositoryCreationTemplate, &ecr.DeleteRepositoryCreationTemplateInput{Prefix: prefix}),
	}
}

func removalSteps() []step {
	remove := (*ecr.Client).DeleteRepository
	return []step{
		onECR("DeleteRepository: by force", remove, &ecr.DeleteRepositoryInput{RepositoryName: one, Force: true}),
		onECR("DeleteRepository: it is missing", remove, &ecr.DeleteRepositoryInput{RepositoryName: one}),
		onECR("DescribeRepositories: the others", (*ecr.Client).DescribeRepositories, &ecr.DescribeRepositoriesInput{}),
	}
}

func digestOf(manifest string) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(manifest)))
}
