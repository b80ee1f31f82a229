package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// side is whom AWS's documentation agrees with.
type side string

const (
	sandboxRight side = "the sandbox is right"
	notSaid      side = "AWS's documentation does not say"
	bothRight    side = "both are right"
)

// difference is a deviation of moto's that is known. Each of its steps must show it, so that the list is true.
type difference struct {
	steps []string
	// field is the field's path, or how the paths of several begin.
	field string
	right side
	why   string
}

func (d difference) explains(step string, of deviation) bool {
	return of.step == step && strings.HasPrefix(of.field, d.field)
}

const failure = "error"

// differences are all that there are between moto 5.2.5 and our stand-in.
var differences = []difference{
	{
		[]string{"StartLifecyclePolicyPreview: there is none", "GetLifecyclePolicyPreview: there is none", "StartLifecyclePolicyPreview", "client: PreviewLifecyclePolicy"},
		failure, sandboxRight, "moto has no lifecycle policy previews",
	},
	{
		[]string{"CreateRepositoryCreationTemplate", "DescribeRepositoryCreationTemplates", "UpdateRepositoryCreationTemplate", "DeleteRepositoryCreationTemplate"},
		failure, sandboxRight, "moto has no repository creation templates",
	},
	{
		[]string{"PutImageTagMutability: with exclusions"},
		"ImageTagMutabilityExclusionFilters[]",
		sandboxRight, "moto's answer is without the exclusions that it has taken (ECR API, PutImageTagMutability, response)",
	},
	{
		[]string{"PutImageTagMutability: exclusions of nothing"},
		failure,
		notSaid, "moto makes MUTABLE_WITH_EXCLUSION of MUTABLE with exclusions, which the sandbox refuses; the provider's plan refuses it, too",
	},
	{
		[]string{"PutImage: without a digest"},
		"OfTheManifest",
		sandboxRight, "moto makes up the digest of an image (OCI Image Format Specification, digests)",
	},
	{
		[]string{"PutImage: the same again", "PutImage: an immutable tag"},
		failure,
		sandboxRight, "moto has no ImageTagAlreadyExistsException, which ECR answers for an immutable tag even to the same image (ECR API, PutImage; aws/containers-roadmap#2179)",
	},
	{
		[]string{"PutImage: no repository"},
		failure,
		sandboxRight, "moto fails instead of answering RepositoryNotFoundException (ECR API, PutImage, errors)",
	},
	{
		[]string{"DescribeImages", "DescribeImages: by tags", "DescribeImages: it has lost a tag"},
		"ImageDetails[].ImageStatus",
		sandboxRight, "moto does not tell the status of images (ECR API, ImageDetail)",
	},
	{
		[]string{"DescribeImages: it has lost a tag"},
		"ImageDetails[].LastRecordedPullTime",
		sandboxRight, "moto does not notice pulls (ECR API, ImageDetail)",
	},
	{
		[]string{"BatchGetImage"},
		"Images[].ImageId.ImageTag",
		sandboxRight, "of an image with two tags, moto names the last instead of the one asked for (ECR API, BatchGetImage)",
	},
	{
		[]string{"CreatePolicyVersion", "CreatePolicyVersion: number 3", "CreatePolicyVersion: number 4", "CreatePolicyVersion: number 5", "CreatePolicyVersion: the next", "CreatePolicyVersion: its second"},
		"PolicyVersion.Document", sandboxRight, "moto tells the document, which only GetPolicyVersion does (IAM API, PolicyVersion)",
	},
	{
		[]string{"ListPolicyVersions"},
		"Versions[].Document",
		sandboxRight, "moto tells the documents, which only GetPolicyVersion does (IAM API, PolicyVersion)",
	},
	{
		[]string{"CreateRole: malformed"},
		failure,
		sandboxRight, "moto takes any trust policy for a new role (IAM API, CreateRole, MalformedPolicyDocument)",
	},
	{
		[]string{"CreateRole: a bad name"},
		failure,
		sandboxRight, `moto takes names outside of [\w+=,.@-]+ (IAM API, CreateRole, RoleName)`,
	},
	{
		[]string{"DeletePolicy: it is a boundary", "DeletePolicy: it is attached", "DeletePolicy: it has versions"},
		failure,
		sandboxRight, "moto deletes policies that are in use or have other versions (IAM API, DeletePolicy, DeleteConflict)",
	},
	{
		[]string{"ListEntitiesForPolicy: no policy"},
		failure,
		sandboxRight, "moto finds nobody with a policy that does not exist (IAM API, ListEntitiesForPolicy, NoSuchEntity)",
	},
	{
		[]string{"GetCallerIdentity"},
		"Arn",
		bothRight, "each has a user of its own",
	},
	{
		[]string{"AssumeRole: it does not trust the caller", "AssumeRole: there is no such role"},
		failure,
		sandboxRight, "moto asks no role whom it trusts, nor whether it exists (STS API, AssumeRole, AccessDenied)",
	},
	{
		[]string{"AssumeRole"},
		"PackedPolicySize",
		sandboxRight, "moto tells the size of a session policy though there is none (STS API, AssumeRole, PackedPolicySize)",
	},
}

// expect holds deviations against the known differences: what is wrong is a deviation that is not known, and a known one that there is none of.
func expect(found []deviation, known []difference) (wrong []string) {
	explained := make([]bool, len(found))
	for _, k := range known {
		for _, step := range k.steps {
			shown := false
			for i, d := range found {
				if k.explains(step, d) {
					shown, explained[i] = true, true
				}
			}
			if !shown {
				wrong = append(wrong, fmt.Sprintf("no difference any more, so take it off the list: %s, %s (%s)", step, k.field, k.why))
			}
		}
	}
	for i, d := range found {
		if !explained[i] {
			wrong = append(wrong, "not known: "+d.String())
		}
	}
	return wrong
}

// String tells a difference, and where it shows.
func (d difference) String() string {
	return fmt.Sprintf("%s: %s\n            in %s", d.right, d.why, strings.Join(d.steps, "; "))
}

// lack is something of the provider that moto cannot serve.
type lack struct {
	// name is that of its scenario.
	name string
	// text is a configuration that needs it, and words are of the error that comes of it.
	text  func(*scene) string
	words string
	why   string
}

// lacking is all of the provider's that was not checked with moto, because moto has not got it. Of the registry itself, which takes pushes, moto has nothing either: there are
// no builds into it.
var lacking = []lack{
	{"template", func(s *scene) string { return s.config("  creation_template = {}") }, "DescribeRepositoryCreationTemplates", "repository creation templates"},
	{"preview", func(s *scene) string {
		return requireProvider + "\ndata \"rime_lifecycle_policy_preview\" \"own\" {\n  repository = \"" + *s.repository("churn") + "\"\n}\n"
	}, "StartLifecyclePolicyPreview", "lifecycle policy previews"},
}

// stillLacks holds that moto cannot serve it though there is all that it takes, so that the list is true.
func (l lack) stillLacks(ctx context.Context, s *scene) error {
	repository := s.repository("churn")
	if err := errors.Join(
		byHand(ctx, s.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: repository}),
		byHand(ctx, s.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: repository, LifecyclePolicyText: new(expireAll)}),
	); err != nil {
		return err
	}
	return s.fails(ctx, l.text(s), l.words)
}
