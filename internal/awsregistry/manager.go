package awsregistry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
)

// RepositoryManager makes, lists and removes the repositories of the account's registry for the embedded registry.
type RepositoryManager struct {
	Client *Client
	// Settings are those of new repositories.
	Settings RepositorySettings
}

// recordTags are the tags that the embedded registry moves: those of records and of what processes tell each other.
const recordTags = "rime-*"

// ImmutableExceptRecords is the tag mutability of a repository in which no image can be replaced, with its exclusions: the embedded registry moves tags of its own.
func ImmutableExceptRecords() (tagMutability string, exclusions []string) {
	return string(types.ImageTagMutabilityImmutableWithExclusion), []string{recordTags}
}

// ImmutableError is a repository in which the record of an image cannot be kept, as its tags cannot be moved.
type ImmutableError struct{ Repository string }

// Error implements error.
func (e *ImmutableError) Error() string {
	return fmt.Sprintf("the tags of the repository %s are immutable, and the embedded registry keeps the record of an image under the tag %s, which it moves; "+
		"give the repository the mutability IMMUTABLE_WITH_EXCLUSION with the exclusion %q", e.Repository, RecordTag, recordTags)
}

// List returns the names of the repositories under a prefix.
func (m *RepositoryManager) List(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	for repository, err := range m.Client.Repositories(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		names = append(names, repository.Name)
	}
	return names, nil
}

// Prepare makes the repository ready to be pushed to: see [Client.PrepareRepository].
func (m *RepositoryManager) Prepare(ctx context.Context, repo name.Repository) error {
	return m.Client.PrepareRepository(ctx, repo.RepositoryStr(), m.Settings)
}

// Remove takes the repository away if it is empty and ours: see [Client.RemoveRepository].
func (m *RepositoryManager) Remove(ctx context.Context, repo name.Repository) error {
	return m.Client.RemoveRepository(ctx, repo.RepositoryStr())
}

// PrepareRepository makes sure that a repository exists and has a lifecycle policy, if one is asked for, before anything is pushed. A new one is made with the settings and
// carries [OwnershipTag]. One that exists keeps its settings; only where it is ours is its lifecycle policy put right, as after an interruption. One whose tags cannot
// be moved is an [*ImmutableError].
func (c *Client) PrepareRepository(ctx context.Context, repository string, settings RepositorySettings) error {
	found, err := find(ctx, c, 1, func(ctx context.Context) (*Repository, error) {
		found, err := c.Repository(ctx, repository)
		return &found, err
	})
	if err != nil {
		return err
	}
	if found != nil && !found.movesTag(RecordTag) {
		return &ImmutableError{Repository: repository}
	}
	created := found == nil
	if created {
		err := c.createRepository(ctx, repository, settings)
		if created = err == nil; err != nil && !is(err, ClassExists) {
			return err
		}
		if found, err = await(ctx, c, "repository "+repository, func(ctx context.Context) (*Repository, error) {
			found, err := c.Repository(ctx, repository)
			return &found, err
		}); err != nil {
			return err
		}
	}
	put, err := c.preparePolicy(ctx, *found, settings.LifecyclePolicy, created)
	if err != nil || !put && !created {
		return err
	}
	s := &state{}
	s.Name = repository
	return c.confirmRepository(ctx, s, RepositorySettings{LifecyclePolicy: settings.LifecyclePolicy}, nil, true)
}

// preparePolicy puts the lifecycle policy where it may, and tells whether it did.
func (c *Client) preparePolicy(ctx context.Context, found Repository, policy string, created bool) (put bool, err error) {
	repository := found.Name
	if policy == "" {
		return false, nil
	}
	var current string
	err = c.patiently(ctx, "repository "+repository, func(ctx context.Context) (err error) {
		if !created {
			current, err = c.LifecyclePolicy(ctx, repository)
		}
		return err
	}, ClassNotFound)
	if err != nil || SameLifecyclePolicy(policy, current) {
		return false, err
	}
	if !created {
		ours, err := c.ownsRepository(ctx, found)
		if err != nil || !ours {
			return false, err
		}
	}
	return true, c.patiently(ctx, "repository "+repository, func(ctx context.Context) error {
		return c.putLifecyclePolicy(ctx, repository, policy)
	}, ClassNotFound)
}

func (c *Client) createRepository(ctx context.Context, repository string, settings RepositorySettings) error {
	tags := c.MergedTags(settings.Tags)
	tags[OwnershipTag] = owner(repository)
	input := &ecr.CreateRepositoryInput{
		RepositoryName: &repository, Tags: repositoryTags(tags),
		ImageTagMutability: types.ImageTagMutability(settings.TagMutability), ImageTagMutabilityExclusionFilters: exclusionsOf(settings.Exclusions),
	}
	if settings.ScanOnPush != nil {
		input.ImageScanningConfiguration = &types.ImageScanningConfiguration{ScanOnPush: *settings.ScanOnPush}
	}
	if e := settings.Encryption; e != nil {
		input.EncryptionConfiguration = &types.EncryptionConfiguration{EncryptionType: types.EncryptionType(e.Type), KmsKey: optional(e.KMSKey)}
	}
	_, err := call(ctx, c, "repository "+repository, func(ctx context.Context, s *services) (*ecr.CreateRepositoryOutput, error) {
		return s.ecr.CreateRepository(ctx, input)
	})
	return err
}

// ownsRepository tells whether a repository that exists carries [OwnershipTag].
func (c *Client) ownsRepository(ctx context.Context, repository Repository) (bool, error) {
	out, err := await(ctx, c, "repository "+repository.Name, func(ctx context.Context) (*ecr.ListTagsForResourceOutput, error) {
		return call(ctx, c, "repository "+repository.Name, func(ctx context.Context, s *services) (*ecr.ListTagsForResourceOutput, error) {
			return s.ecr.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: &repository.ARN})
		})
	})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(out.Tags, func(tag types.Tag) bool { return aws.ToString(tag.Key) == OwnershipTag }), nil
}

// RemoveRepository deletes a repository that is empty and carries [OwnershipTag], and returns when it is reliably gone. One that is gone already, not empty, or
// somebody else's is left alone and is no error.
func (c *Client) RemoveRepository(ctx context.Context, repository string) error {
	found, err := find(ctx, c, c.options.Confirmations, func(ctx context.Context) (*Repository, error) {
		found, err := c.Repository(ctx, repository)
		return &found, err
	})
	if err != nil || found == nil {
		return err
	}
	ours, err := c.ownsRepository(ctx, *found)
	if err != nil || !ours {
		return err
	}
	_, err = call(ctx, c, "repository "+repository, func(ctx context.Context, s *services) (*ecr.DeleteRepositoryOutput, error) {
		return s.ecr.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: &repository})
	})
	if _, full := errors.AsType[*types.RepositoryNotEmptyException](err); full {
		return nil
	}
	if err != nil && !is(err, ClassNotFound) {
		return err
	}
	return c.confirmGone(ctx, "repository "+repository, func(ctx context.Context) error {
		_, err := c.Repository(ctx, repository)
		return err
	})
}
