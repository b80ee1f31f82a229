package awsregistry

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// Image is an image in a repository, or another thing with a manifest.
type Image struct {
	Digest string
	Tags   []string
	// Size is what it takes in the repository, in bytes, compressed.
	Size     int64
	PushedAt time.Time
	// PulledAt is when it was last pulled, as far as ECR has noticed. Zero: never.
	PulledAt time.Time
	// MediaType is its manifest's.
	MediaType string
	// Archived tells that it cannot be pulled at present.
	Archived bool
}

// Images lists what is in a repository: one call for each 1,000. A repository that does not exist is [ErrNotFound].
func (c *Client) Images(ctx context.Context, repository string) iter.Seq2[Image, error] {
	return func(yield func(Image, error) bool) {
		for next := (*string)(nil); ; {
			page, err := call(ctx, c, "repository "+repository, func(ctx context.Context, s *services) (*ecr.DescribeImagesOutput, error) {
				return s.ecr.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: &repository, MaxResults: aws.Int32(pageSize), NextToken: next})
			})
			if err != nil {
				yield(Image{}, err)
				return
			}
			for _, found := range page.ImageDetails {
				if !yield(imageFrom(found), nil) {
					return
				}
			}
			if next = page.NextToken; aws.ToString(next) == "" {
				return
			}
		}
	}
}

// takeAll hands out everything in a repository.
func (c *Client) takeAll(ctx context.Context, repository string, take func(Image)) error {
	for image, err := range c.Images(ctx, repository) {
		if err != nil {
			return err
		}
		take(image)
	}
	return nil
}

// Contents sums up what is in a repository.
type Contents struct {
	// Images counts manifests: those of an index count for themselves.
	Images int
	// Size is in bytes, as ECR counts it: a layer that images share counts for each.
	Size int64
}

// Contents counts what is in a repository, for whoever is about to delete it. A repository that does not exist has nothing in it.
func (c *Client) Contents(ctx context.Context, repository string) (Contents, error) {
	var contents Contents
	err := c.takeAll(ctx, repository, func(image Image) {
		contents.Images++
		contents.Size += image.Size
	})
	if is(err, ClassNotFound) {
		return Contents{}, nil
	}
	return contents, err
}

func imageFrom(found types.ImageDetail) Image {
	return Image{
		Digest: aws.ToString(found.ImageDigest), Tags: found.ImageTags, Size: aws.ToInt64(found.ImageSizeInBytes),
		PushedAt: aws.ToTime(found.ImagePushedAt), PulledAt: aws.ToTime(found.LastRecordedPullTime),
		MediaType: aws.ToString(found.ImageManifestMediaType), Archived: found.ImageStatus == types.ImageStatusArchived,
	}
}
