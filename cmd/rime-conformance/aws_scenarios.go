package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const (
	// expireAllRules are expireAll in the words of the provider.
	expireAllRules = `  lifecycle_rules = [{ priority = 1, tag_status = "any", count_type = "imageCountMoreThan", count_number = 1 }]
`
	everyone = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}`
	keepTwo  = `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":2},"action":{"type":"expire"}}]}`
)

// lifecycle is the life of a registry.
func lifecycle(ctx context.Context, s *scene) error {
	own, foreign := s.repository("churn"), new("ml/"+s.name+"-other/churn")
	boundary := new(s.name + "-boundary")
	if err := errors.Join(
		byHand(ctx, s.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: own}),
		byHand(ctx, s.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: foreign}),
		byHand(ctx, s.ecr.PutImage, &ecr.PutImageInput{RepositoryName: own, ImageManifest: new(firstImage), ImageTag: new("a"), ImageDigest: new(digestOf(firstImage))}),
		byHand(ctx, s.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: boundary, PolicyDocument: new(everything)}),
	); err != nil {
		return err
	}
	if _, err := s.becomes(ctx, "create", s.config("")); err != nil {
		return err
	}
	if err := errors.Join(s.expectDocuments(ctx), s.expectRepository(ctx, own, ecrtypes.ImageTagMutabilityMutable, false, "")); err != nil {
		return err
	}
	if _, err := s.becomes(ctx, "update", s.config(expireAllRules+`
  permissions_boundary_arn       = "`+*s.policyARN(*boundary)+`"
  tags                           = { team = "ml" }
  tag_mutability                 = "IMMUTABLE_WITH_EXCLUSION"
  tag_mutability_exclusions      = ["rime-*"]
  scan_on_push                   = true
  release_name                   = "platform"
  image_builder_service_accounts = ["rime:builder"]
  allow_external_custom_images   = false`)); err != nil {
		return err
	}
	if err := errors.Join(
		s.expectDocuments(ctx), s.expectRepository(ctx, own, ecrtypes.ImageTagMutabilityImmutableWithExclusion, true, expireAll),
		s.expectRepository(ctx, foreign, ecrtypes.ImageTagMutabilityMutable, false, ""),
	); err != nil {
		return err
	}
	if _, err := s.run(ctx, "destroy", "-auto-approve"); err != nil {
		return err
	}
	return errors.Join(
		s.expectNoIdentities(ctx), byHand(ctx, s.ecr.DescribeImages, &ecr.DescribeImagesInput{RepositoryName: own, ImageIds: []ecrtypes.ImageIdentifier{{ImageTag: new("a")}}}),
		s.expectRepository(ctx, foreign, ecrtypes.ImageTagMutabilityMutable, false, ""),
	)
}

// disabling takes the roles away and brings them back.
func disabling(ctx context.Context, s *scene) error {
	own := s.repository("churn")
	if err := byHand(ctx, s.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: own}); err != nil {
		return err
	}
	if _, err := s.becomes(ctx, "create", s.config(expireAllRules)); err != nil {
		return err
	}
	if _, err := s.becomes(ctx, "update", s.config("  enable = false")); err != nil {
		return err
	}
	if err := errors.Join(s.expectNoIdentities(ctx), byHand(ctx, s.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{*own}})); err != nil {
		return err
	}
	if _, err := s.becomes(ctx, "update", s.config(expireAllRules)); err != nil {
		return err
	}
	return errors.Join(s.expectDocuments(ctx), s.expectRepository(ctx, own, ecrtypes.ImageTagMutabilityMutable, false, expireAll))
}

// createWithRules creates a registry over two repositories, and returns its configuration.
func (s *scene) createWithRules(ctx context.Context) (text string, err error) {
	for _, name := range []string{"churn", "fraud"} {
		if err := byHand(ctx, s.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: s.repository(name)}); err != nil {
			return "", err
		}
	}
	text = s.config(expireAllRules + "  tags = { team = \"ml\" }\n")
	_, err = s.becomes(ctx, "create", text)
	return text, err
}

// drift changes roles and policies by hand, and holds that Terraform says so, and puts them right.
func drift(ctx context.Context, s *scene) error {
	text, err := s.createWithRules(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(
		byHand(ctx, s.iam.CreatePolicyVersion, &iam.CreatePolicyVersionInput{PolicyArn: s.policyARN(s.ServerPolicy), PolicyDocument: new(everything), SetAsDefault: true}),
		byHand(ctx, s.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: &s.ServerRole, PolicyDocument: new(everyone)}),
		byHand(ctx, s.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: &s.BuilderRole, PolicyArn: s.policyARN(s.BuilderPolicy)}),
		byHand(ctx, s.iam.UntagRole, &iam.UntagRoleInput{RoleName: &s.BuilderRole, TagKeys: []string{"team"}}),
	); err != nil {
		return err
	}
	if err := s.repairs(ctx, text, "registry_server.policy is not as configured", "registry_server.trust is not as configured",
		`image_builder.role_tags is {}, not { team = "ml" }`, "image_builder.attachment is missing"); err != nil {
		return err
	}
	// What others have put on a role is drift unless it is allowed, and goes with the role where that is asked for.
	if err := errors.Join(
		byHand(ctx, s.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: &s.BuilderRole, PolicyName: new("key"), PolicyDocument: new(readImages)}),
		byHand(ctx, s.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new(s.name + "-other"), PolicyDocument: new(readImages)}),
		byHand(ctx, s.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: &s.BuilderRole, PolicyArn: s.policyARN(s.name + "-other")}),
	); err != nil {
		return err
	}
	if err := s.fails(ctx, text, "Role Has Other Policies"); err != nil {
		return err
	}
	allowed := strings.Replace(text, "lifecycle_rules", "force_detach_policies = true\n  allowed_policies = [\"inline:key\", \""+*s.policyARN(s.name + "-other")+"\"]\n  lifecycle_rules", 1)
	if _, err := s.becomes(ctx, "update", allowed); err != nil {
		return err
	}
	if err := s.changesNothing(ctx); err != nil {
		return err
	}
	if _, err := s.run(ctx, "destroy", "-auto-approve"); err != nil {
		return err
	}
	return errors.Join(
		s.expectNoIdentities(ctx), byHand(ctx, s.iam.GetPolicy, &iam.GetPolicyInput{PolicyArn: s.policyARN(s.name + "-other")}),
		s.expectRepository(ctx, s.repository("churn"), ecrtypes.ImageTagMutabilityMutable, false, expireAll),
	)
}

// loss deletes a role, and the lifecycle policy of one repository, and changes that of another.
func loss(ctx context.Context, s *scene) error {
	text, err := s.createWithRules(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(
		byHand(ctx, s.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: &s.ServerRole, PolicyArn: s.policyARN(s.ServerPolicy)}),
		byHand(ctx, s.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: &s.ServerRole}),
		byHand(ctx, s.ecr.DeleteLifecyclePolicy, &ecr.DeleteLifecyclePolicyInput{RepositoryName: s.repository("churn")}),
		byHand(ctx, s.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: s.repository("fraud"), LifecyclePolicyText: new(keepTwo)}),
	); err != nil {
		return err
	}
	if err := s.repairs(ctx, text, "registry_server.role is missing",
		"repositories.lifecycle_policy is missing on "+*s.repository("churn"), "repositories.lifecycle_policy is not as configured on "+*s.repository("fraud")); err != nil {
		return err
	}
	return s.expectRepository(ctx, s.repository("fraud"), ecrtypes.ImageTagMutabilityMutable, false, expireAll)
}

// repairs holds that a plan tells just that drift, and that an apply puts it right.
func (s *scene) repairs(ctx context.Context, text string, want ...string) error {
	before, err := s.becomes(ctx, "update", text)
	if err != nil {
		return err
	}
	found, _ := before["drift"].([]any)
	got := make([]string, 0, len(found))
	for _, one := range found {
		got = append(got, fmt.Sprint(one))
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the drift is %q, want %q", got, want)
	}
	return errors.Join(s.expectDocuments(ctx), s.expectRepository(ctx, s.repository("churn"), ecrtypes.ImageTagMutabilityMutable, false, expireAll))
}

// importing makes what the platform's own Terraform module makes, in another spelling than the provider's.
func importing(ctx context.Context, s *scene) error {
	tags := []iamtypes.Tag{{Key: new("team"), Value: new("ml")}}
	for _, id := range []struct{ role, policy, actions, account string }{
		{s.ServerRole, s.ServerPolicy, `"ecr:PutLifecyclePolicy", "ecr:ListImages", "ecr:DescribeRepositories", "ecr:DescribeImages", "ecr:DeleteRepository", "ecr:CreateRepository"`, "rime-rime-image-registry-server"},
		{s.BuilderRole, s.BuilderPolicy, `"ecr:UploadLayerPart", "ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:GetDownloadUrlForLayer", "ecr:CompleteLayerUpload", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"`, "rime-rime-image-registry-server-job"},
	} {
		document := `{ "Statement": [
			{ "Sid": "", "Effect": "Allow", "Action": [` + id.actions + `], "Resource": ["arn:aws:ecr:us-east-1:123456789012:repository/ml/import/rime/*"] },
			{ "Sid": "", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" } ], "Version": "2012-10-17" }`
		trust := `{ "Version": "2012-10-17", "Statement": [{ "Sid": "", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
			"Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/` + issuer + `" },
			"Condition": { "StringEquals": { "` + issuer + `:sub": ["system:serviceaccount:rime:` + id.account + `"] } } }] }`
		if err := errors.Join(
			byHand(ctx, s.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: &id.policy, PolicyDocument: &document, Tags: tags}),
			byHand(ctx, s.iam.CreateRole, &iam.CreateRoleInput{RoleName: &id.role, AssumeRolePolicyDocument: &trust, Tags: tags}),
			byHand(ctx, s.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: &id.role, PolicyArn: s.policyARN(id.policy)}),
		); err != nil {
			return err
		}
	}
	text := s.config(`  tags = { team = "ml" }`)
	if err := s.fails(ctx, text, "AWS Object Belongs to Somebody Else"); err != nil {
		return err
	}
	const id = "ml,import,rime"
	if err := s.write(text + "\nimport {\n  to = rime_image_registry_config.this\n  id = \"" + id + "\"\n}\n"); err != nil {
		return err
	}
	if err := s.onlyImports(ctx, id); err != nil {
		return err
	}
	if _, err := s.run(ctx, "apply", "tfplan"); err != nil {
		return err
	}
	if err := errors.Join(s.changesNothing(ctx), s.expectDocuments(ctx)); err != nil {
		return err
	}
	if _, err := s.becomes(ctx, "update", s.config(`  tags = { team = "data" }`)); err != nil {
		return err
	}
	if _, err := s.run(ctx, "destroy", "-auto-approve"); err != nil {
		return err
	}
	return s.expectNoIdentities(ctx)
}

// inChina makes a registry where ARNs begin otherwise.
func inChina(ctx context.Context, s *scene) error {
	const region = "cn-north-1"
	a, err := newAccount(s.url, region)
	if err != nil {
		return err
	}
	s.account, s.partition, s.env = a, "aws-cn", append(s.env, "AWS_REGION="+region)
	if _, err := s.becomes(ctx, "create", s.configTrusting("  pod_identity = true", "")); err != nil {
		return err
	}
	documents, err := s.run(ctx, "output", "-json", "documents")
	if err == nil && !strings.Contains(string(documents), "arn:aws-cn:ecr:cn-north-1:123456789012:repository/ml/china/rime/*") {
		err = fmt.Errorf("the policies are about something else: %s", documents)
	}
	return errors.Join(err, s.expectDocuments(ctx))
}

// fails holds that an apply fails with these words.
func (s *scene) fails(ctx context.Context, text, words string) error {
	if err := s.write(text); err != nil {
		return err
	}
	_, err := s.run(ctx, "plan", "-out", "tfplan")
	if err == nil {
		_, err = s.run(ctx, "apply", "tfplan")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil {
		return fmt.Errorf("it succeeded, and was to fail: %s", words)
	}
	if !strings.Contains(err.Error(), words) {
		return fmt.Errorf("it did not fail as it was to (%s): %w", words, err)
	}
	return nil
}

// reading reads what others have made.
func reading(ctx context.Context, s *scene) error {
	for _, name := range []string{"ml/data/one", "ml/data/two", "ml/data-other/one"} {
		if err := byHand(ctx, s.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
			return err
		}
	}
	if err := errors.Join(
		byHand(ctx, s.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/data/one"), LifecyclePolicyText: new(expireAll)}),
		byHand(ctx, s.ecr.PutImage, &ecr.PutImageInput{RepositoryName: new("ml/data/one"), ImageManifest: new(firstImage), ImageTag: new("a"), ImageDigest: new(digestOf(firstImage))}),
		byHand(ctx, s.ecr.PutImage, &ecr.PutImageInput{RepositoryName: new("ml/data/one"), ImageManifest: new(secondImage), ImageTag: new("b"), ImageDigest: new(digestOf(secondImage))}),
	); err != nil {
		return err
	}
	if err := s.write(requireProvider + `
data "rime_image_registry" "ml" {
  repository_prefix = "ml/data"
}

ephemeral "rime_registry_credentials" "ecr" {
  lifecycle {
    postcondition {
      condition     = self.username == "AWS" && self.password != "" && strcontains(self.docker_config_json, "\"auths\"") && self.expires_at != null
      error_message = "These are no credentials."
    }
  }
}

output "seen" {
  value = [for r in data.rime_image_registry.ml.repositories : join(" ", [r.name, r.image_count, r.tag_mutability, r.lifecycle_policy_json == null ? "keeps all" : "expires"])]
}
`); err != nil {
		return err
	}
	if _, err := s.run(ctx, "apply", "-auto-approve"); err != nil {
		return err
	}
	got, err := s.run(ctx, "output", "-json", "seen")
	if want := `["ml/data/one 2 MUTABLE expires","ml/data/two 0 MUTABLE keeps all"]`; err == nil && strings.TrimSpace(string(got)) != want {
		err = fmt.Errorf("the data source has %s, want %s", got, want)
	}
	return err
}
