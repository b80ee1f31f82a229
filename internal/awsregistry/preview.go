package awsregistry

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// Preview is what a lifecycle policy would do to a repository now.
type Preview struct {
	// Policy is the policy that was tried, as JSON.
	Policy string
	// Images are those it would act on.
	Images []PreviewedImage
}

// PreviewedImage is an image that a lifecycle policy would act on.
type PreviewedImage struct {
	Digest   string
	Tags     []string
	PushedAt time.Time
	// Priority is that of the rule that applies.
	Priority int
	// Action is "EXPIRE" or "TRANSITION".
	Action string
}

// previewPage is the most that ECR gives of a preview at a time.
const previewPage = 100

// PreviewFailedError is a preview that ECR did not bring to its end.
type PreviewFailedError struct {
	Repository string
	// Status is ECR's.
	Status string
}

// Error implements error.
func (e *PreviewFailedError) Error() string {
	return "the preview of a lifecycle policy in repository " + quote(e.Repository) + " ended as " + e.Status
}

// PreviewLifecyclePolicy has ECR try a lifecycle policy on a repository, without applying it. An empty policy tries the repository's own. ECR runs one preview at a time for
// each repository: one that is running is waited for. The context bounds the wait.
func (c *Client) PreviewLifecyclePolicy(ctx context.Context, repository, policy string) (Preview, error) {
	var tried string
	// One that is running already may be of another policy.
	err := c.patiently(ctx, "repository "+repository, func(ctx context.Context) error {
		started, err := call(ctx, c, "repository "+repository, func(ctx context.Context, s *services) (*ecr.StartLifecyclePolicyPreviewOutput, error) {
			return s.ecr.StartLifecyclePolicyPreview(ctx, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: &repository, LifecyclePolicyText: optional(policy)})
		})
		if err == nil {
			tried = aws.ToString(started.LifecyclePolicyText)
		}
		return err
	}, ClassConflict)
	if err != nil {
		return Preview{}, err
	}
	first, err := wait.Until(ctx, wait.Options{}, func(ctx context.Context) (*ecr.GetLifecyclePolicyPreviewOutput, error) {
		page, err := c.previewPage(ctx, repository, nil)
		if _, unseen := errors.AsType[*types.LifecyclePolicyPreviewNotFoundException](err); unseen {
			return &ecr.GetLifecyclePolicyPreviewOutput{Status: types.LifecyclePolicyPreviewStatusInProgress}, nil
		}
		return page, err
	}, func(page *ecr.GetLifecyclePolicyPreviewOutput) (bool, error) {
		switch page.Status {
		case types.LifecyclePolicyPreviewStatusComplete:
			return true, nil
		case types.LifecyclePolicyPreviewStatusInProgress:
			return false, nil
		default:
			return false, &PreviewFailedError{Repository: repository, Status: string(page.Status)}
		}
	}, nil)
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Policy: tried}
	for page := first; ; {
		for _, result := range page.PreviewResults {
			preview.Images = append(preview.Images, previewedFrom(result))
		}
		if aws.ToString(page.NextToken) == "" {
			return preview, nil
		}
		if page, err = c.previewPage(ctx, repository, page.NextToken); err != nil {
			return Preview{}, err
		}
	}
}

func (c *Client) previewPage(ctx context.Context, repository string, next *string) (*ecr.GetLifecyclePolicyPreviewOutput, error) {
	return call(ctx, c, "repository "+repository, func(ctx context.Context, s *services) (*ecr.GetLifecyclePolicyPreviewOutput, error) {
		return s.ecr.GetLifecyclePolicyPreview(ctx, &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: &repository, MaxResults: aws.Int32(previewPage), NextToken: next})
	})
}

func previewedFrom(result types.LifecyclePolicyPreviewResult) PreviewedImage {
	image := PreviewedImage{
		Digest: aws.ToString(result.ImageDigest), Tags: result.ImageTags, PushedAt: aws.ToTime(result.ImagePushedAt),
		Priority: int(aws.ToInt32(result.AppliedRulePriority)),
	}
	if result.Action != nil {
		image.Action = string(result.Action.Type)
	}
	return image
}
