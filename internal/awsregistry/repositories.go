package awsregistry

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
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

// movesTag tells whether that tag can be moved from one image to another.
func (r Repository) movesTag(tag string) bool {
	excluded := slices.ContainsFunc(r.Exclusions, func(pattern string) bool { return matchesTag(pattern, tag) })
	switch types.ImageTagMutability(r.TagMutability) {
	case types.ImageTagMutabilityImmutable:
		return false
	case types.ImageTagMutabilityImmutableWithExclusion:
		return excluded
	case types.ImageTagMutabilityMutableWithExclusion:
		return !excluded
	default:
		return true
	}
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
	// theirs tells that another registry has a prefix within this one's, and so the repository.
	theirs bool
}

// settingsDrift tells whether what is managed of the settings differs.
func (s state) settingsDrift(want RepositorySettings) bool {
	return s.mutabilityDrift(want) || !s.theirs && want.ScanOnPush != nil && *want.ScanOnPush != s.ScanOnPush
}

func (s state) mutabilityDrift(want RepositorySettings) bool {
	return !s.theirs && want.TagMutability != "" && (want.TagMutability != s.TagMutability || !slices.Equal(set(want.Exclusions), set(s.Exclusions)))
}

func (s state) policyDrift(want RepositorySettings) bool {
	return !s.theirs && want.LifecyclePolicy != "" && !SameLifecyclePolicy(want.LifecyclePolicy, s.policy)
}

// set sorts a list whose order and repetitions mean nothing.
func set(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// surveyRepositories looks at everything under the prefix. That a lifecycle policy is not as it should be is believed after that many looks. A repository that goes away meanwhile is left out;
// those under one of the inner prefixes are another registry's, and only counted.
func (c *Client) surveyRepositories(ctx context.Context, prefix string, want RepositorySettings, inner []string, looks int) ([]state, RepositoryReport, error) {
	var states []state
	for repository, err := range c.Repositories(ctx, prefix) {
		if err != nil {
			return nil, RepositoryReport{}, err
		}
		theirs := slices.ContainsFunc(inner, func(prefix string) bool { return Covers(prefix, repository.Name) })
		states = append(states, state{Repository: repository, theirs: theirs})
	}
	if want.LifecyclePolicy != "" {
		gone := make([]bool, len(states))
		err := c.each(ctx, len(states), func(ctx context.Context, i int) (err error) {
			if states[i].theirs {
				return nil
			}
			states[i].policy, err = c.believedPolicy(ctx, states[i].Name, want.LifecyclePolicy, looks)
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

// believedPolicy is the lifecycle policy of a repository. That it is not the one wanted is believed after that many looks.
func (c *Client) believedPolicy(ctx context.Context, repository, want string, looks int) (string, error) {
	return believe(ctx, c, looks, func(ctx context.Context) (string, error) {
		return c.LifecyclePolicy(ctx, repository)
	}, func(policy string) bool { return SameLifecyclePolicy(policy, want) })
}

func summarise(states []state, want RepositorySettings) RepositoryReport {
	report := RepositoryReport{Total: len(states)}
	for _, s := range states {
		if s.settingsDrift(want) {
			report.SettingsDrifted = append(report.SettingsDrifted, s.Name)
		}
		switch {
		case !s.policyDrift(want):
		case s.policy == "":
			report.WithoutPolicy = append(report.WithoutPolicy, s.Name)
		default:
			report.PolicyDrifted = append(report.PolicyDrifted, s.Name)
		}
	}
	return report
}

// together is how many repositories are being changed or looked at at a time. Most of them wait for their next look; how many requests that makes is bounded by
// [Options.Concurrency]. With more, a look could be so long in coming at AWS's rates that a change would seem not to settle.
const together = 64

// each does something for each of n things.
func (c *Client) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
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
