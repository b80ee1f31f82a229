package aws

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
)

// ecrOperations are the operations of ECR that there are.
func (c *Cloud) ecrOperations() map[string]operation {
	return map[string]operation{
		"/ecr/CreateRepository":              jsonOperation(c.createRepository),
		"/ecr/DescribeRepositories":          jsonOperation(c.describeRepositories),
		"/ecr/DeleteRepository":              jsonOperation(c.deleteRepository),
		"/ecr/PutImageTagMutability":         jsonOperation(c.putImageTagMutability),
		"/ecr/PutImageScanningConfiguration": jsonOperation(c.putImageScanning),
		"/ecr/SetRepositoryPolicy":           jsonOperation(c.setRepositoryPolicy),
		"/ecr/GetRepositoryPolicy":           jsonOperation(c.getRepositoryPolicy),
		"/ecr/DeleteRepositoryPolicy":        jsonOperation(c.deleteRepositoryPolicy),
		"/ecr/TagResource":                   jsonOperation(c.tagResource),
		"/ecr/UntagResource":                 jsonOperation(c.untagResource),
		"/ecr/ListTagsForResource":           jsonOperation(c.listTagsForResource),

		"/ecr/PutLifecyclePolicy":          jsonOperation(c.putLifecyclePolicy),
		"/ecr/GetLifecyclePolicy":          jsonOperation(c.getLifecyclePolicy),
		"/ecr/DeleteLifecyclePolicy":       jsonOperation(c.deleteLifecyclePolicy),
		"/ecr/StartLifecyclePolicyPreview": jsonOperation(c.startLifecyclePolicyPreview),
		"/ecr/GetLifecyclePolicyPreview":   jsonOperation(c.getLifecyclePolicyPreview),

		"/ecr/CreateRepositoryCreationTemplate":    jsonOperation(c.createTemplate),
		"/ecr/UpdateRepositoryCreationTemplate":    jsonOperation(c.updateTemplate),
		"/ecr/DeleteRepositoryCreationTemplate":    jsonOperation(c.deleteTemplate),
		"/ecr/DescribeRepositoryCreationTemplates": jsonOperation(c.describeTemplates),

		"/ecr/GetAuthorizationToken": c.getAuthorizationToken,
		"/ecr/GetAccountSetting":     jsonOperation(c.getAccountSetting),
		"/ecr/PutAccountSetting":     jsonOperation(c.putAccountSetting),

		"/ecr/DescribeImages":   jsonOperation(c.describeImages),
		"/ecr/ListImages":       jsonOperation(c.listImages),
		"/ecr/BatchGetImage":    jsonOperation(c.batchGetImage),
		"/ecr/BatchDeleteImage": jsonOperation(c.batchDeleteImage),
		"/ecr/PutImage":         jsonOperation(c.putImage),
	}
}

// inRepository is what nearly all requests of ECR begin with, and their answers too.
type inRepository struct {
	RegistryID     string `json:"registryId,omitempty"`
	RepositoryName string `json:"repositoryName,omitempty"`
}

const repositoryPattern = `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`

var validRepository = regexp.MustCompile(`^(?:` + repositoryPattern + `)$`)

// invalid refuses a parameter.
func invalid(parameter, format string, args ...any) error {
	return refuse("InvalidParameterException", "Invalid parameter at '"+parameter+"' failed to satisfy constraint: '"+format+"'", args...)
}

// checkRepository checks registry and name.
func (c *Cloud) checkRepository(in inRepository) error {
	switch {
	case in.RegistryID != "" && !validAccount.MatchString(in.RegistryID):
		return invalid("registryId", "must satisfy regular expression '[0-9]{12}'")
	case len(in.RepositoryName) < 2 || len(in.RepositoryName) > 256:
		return invalid("repositoryName", "must have length between 2 and 256")
	case !validRepository.MatchString(in.RepositoryName):
		return invalid("repositoryName", "must satisfy regular expression '%s'", repositoryPattern)
	}
	return nil
}

// find finds the repository that a call is about.
func (c *Cloud) find(in inRepository) (*repository, error) {
	if err := c.checkRepository(in); err != nil {
		return nil, err
	}
	in.RegistryID = cmp.Or(in.RegistryID, c.options.Account)
	if r := c.repositories.get(in.RepositoryName); r != nil && in.RegistryID == c.options.Account {
		return r, nil
	}
	return nil, c.noSuchRepository(in)
}

func (c *Cloud) noSuchRepository(in inRepository) error {
	in.RegistryID = cmp.Or(in.RegistryID, c.options.Account)
	return refuse("RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry with id '%s'", in.RepositoryName, in.RegistryID)
}

// updateRepository changes the repository that a call has found.
func (c *Cloud) updateRepository(in inRepository, change func(*repository) error) error {
	r, err := c.find(in)
	if err != nil {
		return err
	}
	return c.repositories.update(r.name, c.noSuchRepository(in), change)
}

// of is what answers begin with.
func (c *Cloud) of(r *repository) inRepository { return inRepository{c.options.Account, r.name} }

// inPages is what the requests of lists have.
type inPages struct {
	NextToken  string `json:"nextToken"`
	MaxResults *int   `json:"maxResults"`
}

// pageToken is what is in a token: the key that the last page ended with.
type pageToken struct {
	After string `json:"after"`
}

// ecrPage is the part of a list, in the order of its keys, that a call asks for, and the token of the next.
func ecrPage[T any](in inPages, most int, items []T, key func(T) string) (page []T, next string, err error) {
	size := 100
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if size < 1 || size > most {
		return nil, "", invalid("maxResults", "must be between 1 and %d", most)
	}
	var token pageToken
	if in.NextToken != "" {
		text, err := base64.StdEncoding.DecodeString(in.NextToken)
		if err != nil || json.Unmarshal(text, &token) != nil || token.After == "" {
			return nil, "", invalid("nextToken", "must be a token that a call of the same operation has returned")
		}
	}
	page, last := pageAfter(items, token.After, size, key)
	page = append([]T{}, page...) // ECR's empty lists are not null
	if last == "" {
		return page, "", nil
	}
	text, err := json.Marshal(pageToken{last})
	return page, base64.StdEncoding.EncodeToString(text), err
}

func (c *Cloud) repositoryARN(name string) string { return c.arn(ecrService, "repository/"+name) }

// repositoryURI is where clients push to.
func (c *Cloud) repositoryURI(name string) string { return c.options.Host + "/" + name }

// nameOfARN is the name of the repository that an ARN means.
func (c *Cloud) nameOfARN(arn string) (inRepository, error) {
	name, ok := strings.CutPrefix(arn, c.repositoryARN(""))
	if !ok {
		return inRepository{}, invalid("resourceArn", "Invalid ARN")
	}
	return inRepository{RepositoryName: name}, nil
}
