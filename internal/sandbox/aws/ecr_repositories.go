package aws

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// repository is a repository of ECR.
type repository struct {
	name       string
	created    time.Time
	mutability mutability
	scanOnPush bool
	encryption encryption
	policy     string
	lifecycle  string
	evaluated  time.Time
	tags       []tag
	images     *imageStore // the same in all states of the repository: what is pushed is seen at once
}

// mutability is whether tags may move.
type mutability struct {
	ImageTagMutability string            `json:"imageTagMutability,omitempty"`
	ExclusionFilters   []exclusionFilter `json:"imageTagMutabilityExclusionFilters,omitempty"`
}

type exclusionFilter struct {
	FilterType string `json:"filterType"`
	Filter     string `json:"filter"`
}

type encryption struct {
	EncryptionType string `json:"encryptionType,omitempty"`
	KMSKey         string `json:"kmsKey,omitempty"`
}

type scanning struct {
	ScanOnPush bool `json:"scanOnPush"`
}

// repositoryJSON is a repository in answers.
type repositoryJSON struct {
	RepositoryARN string `json:"repositoryArn"`
	inRepository
	RepositoryURI string  `json:"repositoryUri"`
	CreatedAt     seconds `json:"createdAt"`
	mutability
	Scanning   scanning   `json:"imageScanningConfiguration"`
	Encryption encryption `json:"encryptionConfiguration"`
}

type repositoryResult struct {
	Repository repositoryJSON `json:"repository"`
}

func (c *Cloud) repositoryJSON(r *repository) repositoryJSON {
	return repositoryJSON{
		RepositoryARN: c.repositoryARN(r.name), inRepository: c.of(r), RepositoryURI: c.repositoryURI(r.name), CreatedAt: seconds(r.created),
		mutability: r.mutability, Scanning: scanning{r.scanOnPush}, Encryption: r.encryption,
	}
}

var validExclusion = regexp.MustCompile(`^[0-9a-zA-Z._*-]{1,128}$`)

// withDefaults checks the mutability of tags, and completes it.
func (m mutability) withDefaults() (mutability, error) {
	m.ImageTagMutability = cmp.Or(m.ImageTagMutability, "MUTABLE")
	excludes := strings.HasSuffix(m.ImageTagMutability, "_WITH_EXCLUSION")
	switch {
	case !slices.Contains([]string{"MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"}, m.ImageTagMutability):
		return m, invalid("imageTagMutability", "Member must satisfy enum value set: [IMMUTABLE_WITH_EXCLUSION, IMMUTABLE, MUTABLE_WITH_EXCLUSION, MUTABLE]")
	case excludes && (len(m.ExclusionFilters) < 1 || len(m.ExclusionFilters) > 5):
		return m, invalid("imageTagMutabilityExclusionFilters", "between 1 and 5 filters are required when imageTagMutability is %s", m.ImageTagMutability)
	case !excludes && len(m.ExclusionFilters) > 0:
		return m, invalid("imageTagMutabilityExclusionFilters", "filters cannot be specified when imageTagMutability is %s", m.ImageTagMutability)
	}
	for _, f := range m.ExclusionFilters {
		if f.FilterType != "WILDCARD" || !validExclusion.MatchString(f.Filter) || strings.Count(f.Filter, "*") > 2 {
			return m, invalid("imageTagMutabilityExclusionFilters",
				"a filter has the type WILDCARD, at most 128 letters, digits and '._-*', and at most two wildcards: %s", f.Filter)
		}
	}
	return m, nil
}

// immutable tells whether a tag must not move.
func (m mutability) immutable(tag string) bool {
	excluded := slices.ContainsFunc(m.ExclusionFilters, func(f exclusionFilter) bool {
		return wildcardTag(f.Filter).MatchString(tag)
	})
	return strings.HasPrefix(m.ImageTagMutability, "IMMUTABLE") != excluded
}

// wildcardTag is a pattern of tags, in which * stands for any text.
func wildcardTag(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `$`)
}

// withDefaults checks the encryption, and completes it.
func (c *Cloud) completeEncryption(e encryption) (encryption, error) {
	e.EncryptionType = cmp.Or(e.EncryptionType, "AES256")
	switch e.EncryptionType {
	case "AES256":
		if e.KMSKey != "" {
			return e, invalid("encryptionConfiguration", "kmsKey cannot be specified when encryptionType is AES256")
		}
	case "KMS", "KMS_DSSE":
		e.KMSKey = cmp.Or(e.KMSKey, strings.Join([]string{"arn", c.options.Partition, "kms", c.options.Region, c.options.Account, "alias/aws/ecr"}, ":"))
	default:
		return e, invalid("encryptionConfiguration", "Member must satisfy enum value set: [KMS, AES256, KMS_DSSE]")
	}
	return e, nil
}

func (c *Cloud) createRepository(in struct {
	inRepository
	mutability
	Tags       []tag      `json:"tags"`
	Scanning   scanning   `json:"imageScanningConfiguration"`
	Encryption encryption `json:"encryptionConfiguration"`
},
) (*repositoryResult, error) {
	if err := c.checkRepository(in.inRepository); err != nil {
		return nil, err
	}
	r := repository{name: in.RepositoryName, created: c.now, scanOnPush: in.Scanning.ScanOnPush, images: newImageStore()}
	var err error
	if r.mutability, err = in.withDefaults(); err != nil {
		return nil, err
	}
	if r.encryption, err = c.completeEncryption(in.Encryption); err != nil {
		return nil, err
	}
	if r.tags, err = mergeECRTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if c.repositories.taken(r.name) {
		return nil, refuse("RepositoryAlreadyExistsException", "The repository with name '%s' already exists in the registry with id '%s'",
			r.name, c.options.Account)
	}
	c.repositories.set(r.name, &r)
	return &repositoryResult{c.repositoryJSON(&r)}, nil
}

type repositoriesResult struct {
	Repositories []repositoryJSON `json:"repositories"`
	NextToken    string           `json:"nextToken,omitempty"`
}

func (c *Cloud) describeRepositories(in struct {
	inPages
	RegistryID      string   `json:"registryId"`
	RepositoryNames []string `json:"repositoryNames"`
},
) (*repositoriesResult, error) {
	result := &repositoriesResult{Repositories: []repositoryJSON{}}
	if len(in.RepositoryNames) > 0 {
		switch {
		case len(in.RepositoryNames) > 100:
			return nil, invalid("repositoryNames", "Member must have length less than or equal to 100")
		case in.NextToken != "" || in.MaxResults != nil:
			return nil, refuse("InvalidParameterException", "maxResults and nextToken cannot be specified together with repositoryNames")
		}
		for _, name := range in.RepositoryNames {
			r, err := c.find(inRepository{in.RegistryID, name})
			if err != nil {
				return nil, err
			}
			result.Repositories = append(result.Repositories, c.repositoryJSON(r))
		}
		return result, nil
	}
	var all []repositoryJSON
	for r := range c.repositories.all() {
		all = append(all, c.repositoryJSON(r))
	}
	page, next, err := ecrPage(in.inPages, 1000, all, func(r repositoryJSON) string { return r.RepositoryName })
	result.Repositories, result.NextToken = append(result.Repositories, page...), next
	return result, err
}

func (c *Cloud) deleteRepository(in struct {
	inRepository
	Force bool `json:"force"`
},
) (*repositoryResult, error) {
	r, err := c.find(in.inRepository)
	if err != nil {
		return nil, err
	}
	if r = c.repositories.truth(r.name); r == nil {
		return nil, c.noSuchRepository(in.inRepository)
	}
	if !in.Force && len(r.images.images) > 0 {
		return nil, refuse("RepositoryNotEmptyException", "The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images",
			r.name, c.options.Account)
	}
	c.repositories.set(r.name, nil)
	return &repositoryResult{c.repositoryJSON(r)}, nil
}
