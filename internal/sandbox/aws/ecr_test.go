package aws_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

func TestDescribeRepositories_pages(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	var names, got []string
	for n := range 105 {
		names = append(names, fmt.Sprintf("ml/r%03d", n))
		createRepository(t, a, names[n])
	}
	pages := ecr.NewDescribeRepositoriesPaginator(a.ecr, &ecr.DescribeRepositoriesInput{})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Repositories {
			got = append(got, *r.RepositoryName)
		}
	}
	equalLists(t, "repositories", got, names)
	equal(t, "pages of a hundred", a.Count("", "^/ecr/DescribeRepositories$"), 2)
	equal(t, "by name", len(do(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: names[:100]}).Repositories), 100)
	equal(t, "a large page", len(do(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{MaxResults: new(int32(1000))}).Repositories), 105)
	for message, in := range map[string]*ecr.DescribeRepositoriesInput{
		"Member must have length less than or equal to 100": {RepositoryNames: names},
		"must be between 1 and 1000":                        {MaxResults: new(int32(1001))},
		"Invalid parameter at 'nextToken'":                  {NextToken: new("nonsense")},
		"cannot be specified together":                      {RepositoryNames: names[:1], MaxResults: new(int32(1))},
	} {
		refused(t, a.ecr.DescribeRepositories, in, "InvalidParameterException", message)
	}
	refused(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{names[0], "ml/none"}}, "RepositoryNotFoundException", "'ml/none'")
}

func TestCreateRepository_settings(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	out := do(t, a.ecr.CreateRepository, &ecr.CreateRepositoryInput{
		RepositoryName: new("ml/x"), ImageTagMutability: types.ImageTagMutabilityImmutable,
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true},
		EncryptionConfiguration:    &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms},
		Tags:                       []types.Tag{{Key: new("team"), Value: new("ml")}},
	}).Repository
	if !out.ImageScanningConfiguration.ScanOnPush || out.ImageTagMutability != types.ImageTagMutabilityImmutable ||
		*out.EncryptionConfiguration.KmsKey != "arn:aws:kms:us-east-1:123456789012:alias/aws/ecr" || out.CreatedAt.IsZero() {
		t.Errorf("repository: %+v", out)
	}
	do(t, a.ecr.PutImageScanningConfiguration, &ecr.PutImageScanningConfigurationInput{
		RepositoryName: new("ml/x"), ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: false},
	})
	do(t, a.ecr.PutImageTagMutability, &ecr.PutImageTagMutabilityInput{RepositoryName: new("ml/x"), ImageTagMutability: types.ImageTagMutabilityMutable})
	r := do(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{}).Repositories[0]
	if r.ImageScanningConfiguration.ScanOnPush || r.ImageTagMutability != types.ImageTagMutabilityMutable {
		t.Errorf("repository: %+v", r)
	}
	for name, message := range map[string]string{
		"x": "must have length between 2 and 256", strings.Repeat("x", 257): "must have length between 2 and 256", "Upper/case": "must satisfy regular expression",
		"a//b": "must satisfy regular expression", "-a": "must satisfy regular expression",
	} {
		refused(t, a.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: &name}, "InvalidParameterException", message)
	}
	for message, in := range map[string]*ecr.CreateRepositoryInput{
		"between 1 and 5 filters are required": {ImageTagMutability: types.ImageTagMutabilityMutableWithExclusion},
		"filters cannot be specified":          {ImageTagMutabilityExclusionFilters: exclude("a")},
		"at most two wildcards":                {ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion, ImageTagMutabilityExclusionFilters: exclude("a*b*c*")},
		"Member must satisfy enum value set":   {ImageTagMutability: "SOMETIMES"},
		"kmsKey cannot be specified":           {EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256, KmsKey: new("k")}},
	} {
		in.RepositoryName = new("ml/y")
		refused(t, a.ecr.CreateRepository, in, "InvalidParameterException", message)
	}
}

func exclude(patterns ...string) []types.ImageTagMutabilityExclusionFilter {
	var filters []types.ImageTagMutabilityExclusionFilter
	for _, p := range patterns {
		filters = append(filters, types.ImageTagMutabilityExclusionFilter{FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard, Filter: &p})
	}
	return filters
}

func TestDeleteRepository_notEmpty(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	if err := a.push(t, "ml/x:1", newImage(t), a.login(t)); err != nil {
		t.Fatal(err)
	}
	refused(t, a.ecr.DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: new("ml/x")}, "RepositoryNotEmptyException",
		"The repository with name 'ml/x' in registry with id '123456789012' cannot be deleted because it still contains images")
	do(t, a.ecr.DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: new("ml/x"), Force: true})
	createRepository(t, a, "ml/x")
	equal(t, "images of a new repository", len(do(t, a.ecr.ListImages, &ecr.ListImagesInput{RepositoryName: new("ml/x")}).ImageIds), 0)
	refused(t, a.ecr.ListImages, &ecr.ListImagesInput{RepositoryName: new("ml/x"), RegistryId: new("210987654321")}, "RepositoryNotFoundException", "id '210987654321'")
}

func TestRepository_tags(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	arn := new("arn:aws:ecr:us-east-1:123456789012:repository/ml/x")
	do(t, a.ecr.TagResource, &ecr.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: new("b"), Value: new("1")}, {Key: new("a"), Value: new("2")}}})
	do(t, a.ecr.UntagResource, &ecr.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"b"}})
	tags := do(t, a.ecr.ListTagsForResource, &ecr.ListTagsForResourceInput{ResourceArn: arn}).Tags
	if len(tags) != 1 || *tags[0].Key != "a" || *tags[0].Value != "2" {
		t.Errorf("tags: %v", tags)
	}
	refused(t, a.ecr.ListTagsForResource, &ecr.ListTagsForResourceInput{ResourceArn: new("arn:aws:s3:::x")}, "InvalidParameterException", "Invalid ARN")
	refused(t, a.ecr.TagResource, &ecr.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: new("aws:a"), Value: new("")}}}, "InvalidTagParameterException", "aws:")
	var many []types.Tag
	for n := range 51 {
		many = append(many, types.Tag{Key: new(fmt.Sprint(n)), Value: new("")})
	}
	refused(t, a.ecr.TagResource, &ecr.TagResourceInput{ResourceArn: arn, Tags: many}, "TooManyTagsException", "at most 50 tags")
}

func TestRepositoryPolicy(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	get := &ecr.GetRepositoryPolicyInput{RepositoryName: new("ml/x")}
	refused(t, a.ecr.GetRepositoryPolicy, get, "RepositoryPolicyNotFoundException",
		"Repository policy does not exist for the repository with name 'ml/x' in the registry with id '123456789012'")
	refused(t, a.ecr.SetRepositoryPolicy, &ecr.SetRepositoryPolicyInput{RepositoryName: new("ml/x"), PolicyText: new(permissions)},
		"InvalidParameterException", "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'")
	text := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]}`
	do(t, a.ecr.SetRepositoryPolicy, &ecr.SetRepositoryPolicyInput{RepositoryName: new("ml/x"), PolicyText: &text})
	equal(t, "text", *do(t, a.ecr.GetRepositoryPolicy, get).PolicyText, text)
	equal(t, "text", *do(t, a.ecr.DeleteRepositoryPolicy, &ecr.DeleteRepositoryPolicyInput{RepositoryName: new("ml/x")}).PolicyText, text)
	refused(t, a.ecr.DeleteRepositoryPolicy, &ecr.DeleteRepositoryPolicyInput{RepositoryName: new("ml/x")}, "RepositoryPolicyNotFoundException", "ml/x")
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	onPush := []types.RCTAppliedFor{types.RCTAppliedForCreateOnPush}
	in := &ecr.CreateRepositoryCreationTemplateInput{
		Prefix: new("ml/images/"), AppliedFor: onPush, Description: new("d"), LifecyclePolicy: new(keepTen), ImageTagMutability: types.ImageTagMutabilityImmutable,
	}
	made := do(t, a.ecr.CreateRepositoryCreationTemplate, in).RepositoryCreationTemplate
	if *made.Prefix != "ml/images" || made.EncryptionConfiguration.EncryptionType != types.EncryptionTypeAes256 || made.CreatedAt.IsZero() {
		t.Errorf("template: %+v", made)
	}
	refused(t, a.ecr.CreateRepositoryCreationTemplate, in, "TemplateAlreadyExistsException", "'ml/images'")
	tagged := *in
	tagged.Prefix, tagged.ResourceTags = new("other"), []types.Tag{{Key: new("a"), Value: new("b")}}
	refused(t, a.ecr.CreateRepositoryCreationTemplate, &tagged, "ValidationException", "customRoleArn is required")
	tagged.CustomRoleArn = new("arn:aws:iam::123456789012:role/ecr")
	do(t, a.ecr.CreateRepositoryCreationTemplate, &tagged)
	bad := *in
	bad.Prefix, bad.LifecyclePolicy = new("bad"), new(strings.Replace(keepTen, "any", "some", 1))
	refused(t, a.ecr.CreateRepositoryCreationTemplate, &bad, "InvalidParameterException", "Lifecycle policy validation failure")
	for message, change := range map[string]func(*ecr.CreateRepositoryCreationTemplateInput){
		"appliedFor":                         func(in *ecr.CreateRepositoryCreationTemplateInput) { in.AppliedFor = []types.RCTAppliedFor{"PULL"} },
		"Invalid repository policy provided": func(in *ecr.CreateRepositoryCreationTemplateInput) { in.RepositoryPolicy = new("{}") },
		"encryptionConfiguration": func(in *ecr.CreateRepositoryCreationTemplateInput) {
			in.EncryptionConfiguration = &types.EncryptionConfigurationForRepositoryCreationTemplate{EncryptionType: "ROT13"}
		},
		"imageTagMutability": func(in *ecr.CreateRepositoryCreationTemplateInput) { in.ImageTagMutability = "SOMETIMES" },
	} {
		bad := *in
		bad.Prefix = new("bad")
		change(&bad)
		refused(t, a.ecr.CreateRepositoryCreationTemplate, &bad, "InvalidParameterException", message)
	}
	bad.Prefix = new("Bad")
	refused(t, a.ecr.CreateRepositoryCreationTemplate, &bad, "InvalidParameterException", "'prefix'")

	do(t, a.ecr.UpdateRepositoryCreationTemplate, &ecr.UpdateRepositoryCreationTemplateInput{Prefix: new("ml/images"), ImageTagMutability: types.ImageTagMutabilityMutable})
	found := do(t, a.ecr.DescribeRepositoryCreationTemplates, &ecr.DescribeRepositoryCreationTemplatesInput{Prefixes: []string{"ml/images"}}).RepositoryCreationTemplates
	if len(found) != 1 || found[0].ImageTagMutability != types.ImageTagMutabilityMutable || *found[0].LifecyclePolicy != keepTen || *found[0].Description != "d" {
		t.Errorf("templates: %+v", found)
	}
	equal(t, "all", len(do(t, a.ecr.DescribeRepositoryCreationTemplates, &ecr.DescribeRepositoryCreationTemplatesInput{}).RepositoryCreationTemplates), 2)
	do(t, a.ecr.DeleteRepositoryCreationTemplate, &ecr.DeleteRepositoryCreationTemplateInput{Prefix: new("ml/images")})
	refused(t, a.ecr.DeleteRepositoryCreationTemplate, &ecr.DeleteRepositoryCreationTemplateInput{Prefix: new("ml/images")}, "TemplateNotFoundException", "'ml/images'")
	refused(t, a.ecr.UpdateRepositoryCreationTemplate, &ecr.UpdateRepositoryCreationTemplateInput{Prefix: new("ml/images")}, "TemplateNotFoundException", "'ml/images'")
}

func TestImages_lists(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	do(t, a.ecr.PutImageScanningConfiguration, &ecr.PutImageScanningConfigurationInput{
		RepositoryName: new("ml/x"), ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: true},
	})
	login := a.login(t)
	var digests []string
	for n := range 5 {
		i := newImage(t)
		digests = append(digests, digest(t, i))
		if err := a.push(t, fmt.Sprintf("ml/x:%d", n%4), i, login); err != nil { // the last takes the tag of the first
			t.Fatal(err)
		}
	}
	var got []string
	for pages := ecr.NewDescribeImagesPaginator(a.ecr, &ecr.DescribeImagesInput{RepositoryName: new("ml/x"), MaxResults: new(int32(2))}); pages.HasMorePages(); {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range out.ImageDetails {
			got = append(got, *d.ImageDigest)
			equal(t, "scan", d.ImageScanStatus.Status, types.ScanStatusComplete)
		}
	}
	equalLists(t, "images", got, slices.Sorted(slices.Values(digests)))
	untagged := do(t, a.ecr.ListImages, &ecr.ListImagesInput{RepositoryName: new("ml/x"), Filter: &types.ListImagesFilter{TagStatus: types.TagStatusUntagged}}).ImageIds
	if len(untagged) != 1 || *untagged[0].ImageDigest != digests[0] || untagged[0].ImageTag != nil {
		t.Errorf("without a tag: %v", untagged)
	}
	equal(t, "all", len(do(t, a.ecr.ListImages, &ecr.ListImagesInput{RepositoryName: new("ml/x")}).ImageIds), 5)
	batch := do(t, a.ecr.BatchGetImage, &ecr.BatchGetImageInput{RepositoryName: new("ml/x"), ImageIds: []types.ImageIdentifier{
		{ImageTag: new("0")}, {ImageTag: new("none")}, {ImageDigest: &digests[1], ImageTag: new("2")}, {ImageDigest: new("sha256:short")}, {},
	}})
	if len(batch.Images) != 1 || *batch.Images[0].ImageId.ImageDigest != digests[4] || !strings.Contains(*batch.Images[0].ImageManifest, "layers") {
		t.Errorf("images: %v", batch.Images)
	}
	var codes []types.ImageFailureCode
	for _, f := range batch.Failures {
		codes = append(codes, f.FailureCode)
	}
	equalLists(t, "failures", codes, []types.ImageFailureCode{"ImageNotFound", "ImageTagDoesNotMatchDigest", "InvalidImageDigest", "MissingDigestAndTag"})
}

func TestAccountSettings(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	get := &ecr.GetAccountSettingInput{Name: new("BLOB_MOUNTING")}
	equal(t, "value", *do(t, a.ecr.GetAccountSetting, get).Value, "DISABLED")
	do(t, a.ecr.PutAccountSetting, &ecr.PutAccountSettingInput{Name: new("BLOB_MOUNTING"), Value: new("ENABLED")})
	equal(t, "value", *do(t, a.ecr.GetAccountSetting, get).Value, "ENABLED")
	refused(t, a.ecr.PutAccountSetting, &ecr.PutAccountSettingInput{Name: new("BLOB_MOUNTING"), Value: new("MAYBE")}, "InvalidParameterException", "must be one of DISABLED, ENABLED")
	refused(t, a.ecr.GetAccountSetting, &ecr.GetAccountSettingInput{Name: new("NONE")}, "InvalidParameterException", "BLOB_MOUNTING")
}
