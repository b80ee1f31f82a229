package awsregistry

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"golang.org/x/sync/errgroup"
)

const (
	// mutable is ECR's default for the tags of a repository.
	mutable = string(types.ImageTagMutabilityMutable)
	// pageSize is the most that ECR gives at a time.
	pageSize = 1000
	// batchSize is the most that ECR is asked about by name at a time.
	batchSize = 100
)

// Repository is a repository in ECR.
type Repository struct {
	Name string
	ARN  string
	// URI is what image references begin with.
	URI           string
	CreatedAt     time.Time
	TagMutability string
	Exclusions    []string
	ScanOnPush    bool
	Encryption    Encryption
}

// Repositories lists the repositories under a prefix, in ECR's order. ECR cannot list by prefix: there is one call for each 1,000 repositories of the account.
func (c *Client) Repositories(ctx context.Context, prefix string) iter.Seq2[Repository, error] {
	return func(yield func(Repository, error) bool) {
		for next := (*string)(nil); ; {
			page, err := call(ctx, c, "", func(ctx context.Context, s *services) (*ecr.DescribeRepositoriesOutput, error) {
				return s.ecr.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(pageSize), NextToken: next})
			})
			if err != nil {
				yield(Repository{}, err)
				return
			}
			for _, found := range page.Repositories {
				if Covers(prefix, aws.ToString(found.RepositoryName)) && !yield(repositoryFrom(found), nil) {
					return
				}
			}
			if next = page.NextToken; aws.ToString(next) == "" {
				return
			}
		}
	}
}

// Repository returns the repository of that name. One that does not exist is [ErrNotFound].
func (c *Client) Repository(ctx context.Context, name string) (Repository, error) {
	out, err := call(ctx, c, "repository "+name, func(ctx context.Context, s *services) (*ecr.DescribeRepositoriesOutput, error) {
		return s.ecr.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	})
	switch {
	case err != nil:
		return Repository{}, err
	case len(out.Repositories) == 0:
		return Repository{}, &Error{Service: "ECR", Operation: "DescribeRepositories", Subject: "repository " + name, Class: ClassNotFound, Message: "is not in the answer"}
	}
	return repositoryFrom(out.Repositories[0]), nil
}

func repositoryFrom(found types.Repository) Repository {
	repository := Repository{
		Name: aws.ToString(found.RepositoryName), ARN: aws.ToString(found.RepositoryArn), URI: aws.ToString(found.RepositoryUri),
		CreatedAt: aws.ToTime(found.CreatedAt), TagMutability: cmp.Or(string(found.ImageTagMutability), mutable),
		Exclusions: exclusionsFrom(found.ImageTagMutabilityExclusionFilters),
		Encryption: Encryption{Type: string(types.EncryptionTypeAes256)},
	}
	if found.ImageScanningConfiguration != nil {
		repository.ScanOnPush = found.ImageScanningConfiguration.ScanOnPush
	}
	if e := found.EncryptionConfiguration; e != nil {
		repository.Encryption = Encryption{Type: string(e.EncryptionType), KMSKey: aws.ToString(e.KmsKey)}
	}
	return repository
}

// LifecyclePolicy returns the lifecycle policy of a repository as JSON; one without is empty. A repository that does not exist is [ErrNotFound].
func (c *Client) LifecyclePolicy(ctx context.Context, repository string) (string, error) {
	out, err := call(ctx, c, "repository "+repository, func(ctx context.Context, s *services) (*ecr.GetLifecyclePolicyOutput, error) {
		return s.ecr.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: &repository})
	})
	switch {
	case hasNoPolicy(err):
		return "", nil
	case err != nil:
		return "", err
	}
	return aws.ToString(out.LifecyclePolicyText), nil
}

// hasNoPolicy tells whether the repository exists and has no lifecycle policy.
func hasNoPolicy(err error) bool {
	_, none := errors.AsType[*types.LifecyclePolicyNotFoundException](err)
	return none
}

// state is a repository with its lifecycle policy, as far as that is managed.
type state struct {
	Repository
	policy string
}

// settingsDrift tells whether what is managed of the settings differs.
func (s state) settingsDrift(want RepositorySettings) bool {
	return s.mutabilityDrift(want) || want.ScanOnPush != nil && *want.ScanOnPush != s.ScanOnPush
}

func (s state) mutabilityDrift(want RepositorySettings) bool {
	return want.TagMutability != "" && (want.TagMutability != s.TagMutability || !slices.Equal(set(want.Exclusions), set(s.Exclusions)))
}

func (s state) policyDrift(want RepositorySettings) bool {
	return want.LifecyclePolicy != "" && !SameLifecyclePolicy(want.LifecyclePolicy, s.policy)
}

// set sorts a list whose order and repetitions mean nothing.
func set(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// surveyRepositories looks at everything under the prefix. A repository that goes away meanwhile is left out.
func (c *Client) surveyRepositories(ctx context.Context, prefix string, want RepositorySettings) ([]state, RepositoryReport, error) {
	var states []state
	for repository, err := range c.Repositories(ctx, prefix) {
		if err != nil {
			return nil, RepositoryReport{}, err
		}
		states = append(states, state{Repository: repository})
	}
	if want.LifecyclePolicy != "" {
		gone := make([]bool, len(states))
		err := c.each(ctx, len(states), func(ctx context.Context, i int) (err error) {
			states[i].policy, err = c.confirmedPolicy(ctx, states[i].Name)
			if is(err, ClassNotFound) {
				gone[i] = true
				return nil
			}
			return err
		})
		if err != nil {
			return nil, RepositoryReport{}, err
		}
		kept := states[:0]
		for i, s := range states {
			if !gone[i] {
				kept = append(kept, s)
			}
		}
		states = kept
	}
	return states, summarise(states, want), nil
}

// confirmedPolicy is the lifecycle policy of a repository. That there is none is confirmed by several looks.
func (c *Client) confirmedPolicy(ctx context.Context, repository string) (string, error) {
	policy, err := find(ctx, c, c.options.Confirmations, func(ctx context.Context) (*string, error) {
		policy, err := c.LifecyclePolicy(ctx, repository)
		if err == nil && policy == "" {
			err = &Error{Service: "ECR", Operation: "GetLifecyclePolicy", Subject: "repository " + repository, Class: ClassNotFound, Message: "has no lifecycle policy"}
		}
		return &policy, err
	})
	return aws.ToString(policy), err
}

func summarise(states []state, want RepositorySettings) RepositoryReport {
	report := RepositoryReport{Total: len(states)}
	for _, s := range states {
		if s.settingsDrift(want) {
			report.SettingsDrifted++
		}
		switch {
		case !s.policyDrift(want):
		case s.policy == "":
			report.WithoutPolicy++
		default:
			report.PolicyDrifted++
		}
	}
	return report
}

// each does something for each of n things, a few at a time.
func (c *Client) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(c.options.Concurrency)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// applyRepositories gives everything under the prefix its settings, in place: there is no moment without a lifecycle policy. released is the policy that was managed
// before and is no longer; it is taken off the repositories that still have it, and a policy that somebody else put there stays.
func (c *Client) applyRepositories(ctx context.Context, prefix string, want RepositorySettings, released string) (RepositoryReport, error) {
	survey := want
	if survey.LifecyclePolicy == "" {
		survey.LifecyclePolicy = released
	}
	states, _, err := c.surveyRepositories(ctx, prefix, survey)
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
func (c *Client) applyRepository(ctx context.Context, s *state, want RepositorySettings, released string) error {
	settings := s.settingsDrift(want)
	if err := c.putSettings(ctx, s, want); err != nil {
		return err
	}
	policy := want.LifecyclePolicy
	switch {
	case s.policyDrift(want):
		if err := c.putLifecyclePolicy(ctx, s.Name, policy); err != nil {
			return err
		}
	case policy == "" && released != "" && SameLifecyclePolicy(released, s.policy):
		if err := c.deleteLifecyclePolicy(ctx, s.Name); err != nil {
			return err
		}
	case !settings:
		return nil
	}
	return c.confirmRepository(ctx, s, want, released)
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

// confirmRepository looks until a repository is reliably what it is to be, and takes over what it sees.
func (c *Client) confirmRepository(ctx context.Context, s *state, want RepositorySettings, released string) error {
	return c.confirm(ctx, "repository "+s.Name, func(ctx context.Context) (string, error) {
		seen, err := c.Repository(ctx, s.Name)
		if err != nil {
			return "", err
		}
		s.Repository = seen
		if s.settingsDrift(want) {
			return "settings", nil
		}
		if want.LifecyclePolicy == "" && released == "" {
			return "", nil
		}
		if s.policy, err = c.LifecyclePolicy(ctx, s.Name); err != nil {
			return "", err
		}
		if s.policyDrift(want) || want.LifecyclePolicy == "" && SameLifecyclePolicy(released, s.policy) {
			return "lifecycle policy", nil
		}
		return "", nil
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

func exclusionsOf(patterns []string) []types.ImageTagMutabilityExclusionFilter {
	var filters []types.ImageTagMutabilityExclusionFilter
	for _, pattern := range patterns {
		filters = append(filters, types.ImageTagMutabilityExclusionFilter{Filter: &pattern, FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard})
	}
	return filters
}

func exclusionsFrom(filters []types.ImageTagMutabilityExclusionFilter) []string {
	var patterns []string
	for _, filter := range filters {
		patterns = append(patterns, aws.ToString(filter.Filter))
	}
	return patterns
}

func repositoryTags(tags map[string]string) []types.Tag {
	var list []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: &key, Value: aws.String(tags[key])})
	}
	return list
}
