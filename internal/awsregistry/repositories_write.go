package awsregistry

import (
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// applyRepositories gives everything under the prefix its settings, in place: there is no moment without a lifecycle policy. released are the policies that were
// managed before and are no longer; they are taken off the repositories that still have one of them, and a policy that somebody else put there stays.
func (c *Client) applyRepositories(ctx context.Context, prefix string, want RepositorySettings, inner, released []string) (RepositoryReport, error) {
	survey := want
	if len(released) > 0 {
		survey.LifecyclePolicy = released[0] // so that they are looked at
	}
	states, _, err := c.surveyRepositories(ctx, prefix, survey, inner, 1)
	if err != nil {
		return RepositoryReport{}, err
	}
	var mu sync.Mutex
	gone := 0
	err = c.each(ctx, len(states), func(ctx context.Context, i int) error {
		err := c.applyRepository(ctx, &states[i], want, released)
		if is(err, ClassNotFound) { // Somebody deleted it meanwhile: it is not ours to keep.
			mu.Lock()
			defer mu.Unlock()
			gone++
			return nil
		}
		return err
	})
	report := summarise(states, want)
	report.Total -= gone
	return report, err
}

// applyRepository changes what differs about a repository, and confirms it.
func (c *Client) applyRepository(ctx context.Context, s *state, want RepositorySettings, released []string) error {
	if !s.settingsDrift(want) && !s.policyDrift(want) && !s.holds(want, released) {
		return nil
	}
	settings := s.settingsDrift(want)
	if err := c.changeRepository(ctx, s, want, released); err != nil {
		return err
	}
	return c.confirmRepository(ctx, s, want, released, settings)
}

// holds tells whether the repository still has one of the policies that are to be taken off.
func (s state) holds(want RepositorySettings, released []string) bool {
	return !s.theirs && want.LifecyclePolicy == "" && slices.ContainsFunc(released, func(policy string) bool { return SameLifecyclePolicy(policy, s.policy) })
}

// changeRepository changes what differs about a repository.
func (c *Client) changeRepository(ctx context.Context, s *state, want RepositorySettings, released []string) error {
	if err := c.putSettings(ctx, s, want); err != nil {
		return err
	}
	switch {
	case s.policyDrift(want):
		return c.putLifecyclePolicy(ctx, s.Name, want.LifecyclePolicy)
	case s.holds(want, released):
		return c.deleteLifecyclePolicy(ctx, s.Name)
	}
	return nil
}

// putSettings changes the settings that differ.
func (c *Client) putSettings(ctx context.Context, s *state, want RepositorySettings) error {
	if s.mutabilityDrift(want) {
		_, err := call(ctx, c, "repository "+s.Name, func(ctx context.Context, services *services) (*ecr.PutImageTagMutabilityOutput, error) {
			return services.ecr.PutImageTagMutability(ctx, &ecr.PutImageTagMutabilityInput{
				RepositoryName: &s.Name, ImageTagMutability: types.ImageTagMutability(want.TagMutability),
				ImageTagMutabilityExclusionFilters: exclusionsOf(want.Exclusions),
			})
		})
		if err != nil {
			return err
		}
	}
	if want.ScanOnPush == nil || *want.ScanOnPush == s.ScanOnPush {
		return nil
	}
	_, err := call(ctx, c, "repository "+s.Name, func(ctx context.Context, services *services) (*ecr.PutImageScanningConfigurationOutput, error) {
		return services.ecr.PutImageScanningConfiguration(ctx, &ecr.PutImageScanningConfigurationInput{
			RepositoryName: &s.Name, ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: *want.ScanOnPush},
		})
	})
	return err
}

// confirmRepository looks until a repository is reliably what it is to be, and takes over what it sees. Its settings are looked at only where they were
// changed. One that has been deleted is [ErrNotFound].
func (c *Client) confirmRepository(ctx context.Context, s *state, want RepositorySettings, released []string, settings bool) error {
	name := s.Name
	return c.confirm(ctx, "repository "+name, func(ctx context.Context) (string, error) {
		seen, err := s.Repository, error(nil)
		if settings {
			seen, err = c.Repository(ctx, name)
		}
		if err == nil && (want.LifecyclePolicy != "" || len(released) > 0) {
			s.policy, err = c.LifecyclePolicy(ctx, name)
		}
		if is(err, ClassNotFound) {
			return "repository", nil
		}
		if err != nil {
			return "", err
		}
		s.Repository = seen
		switch {
		case s.settingsDrift(want):
			return "settings", nil
		case s.policyDrift(want) || s.holds(want, released):
			return "lifecycle policy", nil
		}
		return "", nil
	}, func(ctx context.Context) error {
		if _, err := c.Repository(ctx, name); err != nil {
			return err
		}
		return c.changeRepository(ctx, s, want, released)
	})
}

func (c *Client) putLifecyclePolicy(ctx context.Context, repository, policy string) error {
	_, err := call(ctx, c, "repository "+repository, func(ctx context.Context, s *services) (*ecr.PutLifecyclePolicyOutput, error) {
		return s.ecr.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{RepositoryName: &repository, LifecyclePolicyText: &policy})
	})
	return err
}

// deleteLifecyclePolicy takes the lifecycle policy off a repository. One that has none is no error.
func (c *Client) deleteLifecyclePolicy(ctx context.Context, repository string) error {
	_, err := call(ctx, c, "repository "+repository, func(ctx context.Context, s *services) (*ecr.DeleteLifecyclePolicyOutput, error) {
		return s.ecr.DeleteLifecyclePolicy(ctx, &ecr.DeleteLifecyclePolicyInput{RepositoryName: &repository})
	})
	if hasNoPolicy(err) {
		return nil
	}
	return err
}
