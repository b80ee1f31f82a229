package aws

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// template is a repository creation template: the settings of repositories that come into being by a push.
type template struct {
	prefix           string
	description      string
	encryption       encryption
	tags             []tag
	mutability       mutability
	policy           string
	lifecycle        string
	appliedFor       []string
	roleARN          string
	created, updated time.Time
}

// templateJSON is a template in requests and answers. What a request leaves out is nil.
type templateJSON struct {
	Prefix           string             `json:"prefix"`
	Description      *string            `json:"description,omitempty"`
	Encryption       *encryption        `json:"encryptionConfiguration,omitempty"`
	ResourceTags     *[]tag             `json:"resourceTags,omitempty"`
	TagMutability    string             `json:"imageTagMutability,omitempty"`
	ExclusionFilters *[]exclusionFilter `json:"imageTagMutabilityExclusionFilters,omitempty"`
	RepositoryPolicy *string            `json:"repositoryPolicy,omitempty"`
	LifecyclePolicy  *string            `json:"lifecyclePolicy,omitempty"`
	AppliedFor       []string           `json:"appliedFor"`
	CustomRoleARN    *string            `json:"customRoleArn,omitempty"`
	CreatedAt        *seconds           `json:"createdAt,omitempty"`
	UpdatedAt        *seconds           `json:"updatedAt,omitempty"`
}

type templateResult struct {
	RegistryID string       `json:"registryId"`
	Template   templateJSON `json:"repositoryCreationTemplate"`
}

// rootPrefix is the template of all repositories that no other template is for.
const rootPrefix = "ROOT"

var validPrefix = regexp.MustCompile(`^(?:` + repositoryPattern + `\/?|ROOT)$`)

func (c *Cloud) templateResult(t *template) *templateResult {
	created, updated := seconds(t.created), seconds(t.updated)
	shown := templateJSON{
		Prefix: t.prefix, Description: &t.description, Encryption: &t.encryption, TagMutability: t.mutability.ImageTagMutability,
		AppliedFor: t.appliedFor, CreatedAt: &created, UpdatedAt: &updated,
	}
	for _, o := range []struct {
		field **string
		value *string
	}{{&shown.RepositoryPolicy, &t.policy}, {&shown.LifecyclePolicy, &t.lifecycle}, {&shown.CustomRoleARN, &t.roleARN}} {
		if *o.value != "" {
			*o.field = o.value
		}
	}
	if len(t.tags) > 0 {
		shown.ResourceTags = &t.tags
	}
	if len(t.mutability.ExclusionFilters) > 0 {
		shown.ExclusionFilters = &t.mutability.ExclusionFilters
	}
	return &templateResult{c.options.Account, shown}
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// apply changes a template as a request says, and checks what comes of it.
func (c *Cloud) apply(t *template, in templateJSON) (err error) {
	set(&t.description, in.Description)
	set(&t.encryption, in.Encryption)
	set(&t.tags, in.ResourceTags)
	set(&t.policy, in.RepositoryPolicy)
	set(&t.lifecycle, in.LifecyclePolicy)
	set(&t.roleARN, in.CustomRoleARN)
	if in.TagMutability != "" {
		t.mutability = mutability{ImageTagMutability: in.TagMutability}
	}
	set(&t.mutability.ExclusionFilters, in.ExclusionFilters)
	if in.AppliedFor != nil {
		t.appliedFor = in.AppliedFor
	}
	t.updated = c.now
	return c.complete(t)
}

// complete checks a template, and fills in what ECR fills in.
func (c *Cloud) complete(t *template) (err error) {
	if t.mutability, err = t.mutability.withDefaults(); err != nil {
		return err
	}
	if t.encryption, err = c.completeEncryption(t.encryption); err != nil {
		return err
	}
	if t.tags, err = mergeECRTags(nil, t.tags); err != nil {
		return err
	}
	if len(t.appliedFor) == 0 || slices.ContainsFunc(t.appliedFor, func(use string) bool {
		return !slices.Contains([]string{"REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"}, use)
	}) {
		return invalid("appliedFor", "Member must satisfy enum value set: [REPLICATION, PULL_THROUGH_CACHE, CREATE_ON_PUSH]")
	}
	if (len(t.tags) > 0 || t.encryption.EncryptionType != "AES256") && t.roleARN == "" {
		return refuse("ValidationException", "A customRoleArn is required for a template with resource tags or KMS encryption")
	}
	if t.policy != "" {
		if err := checkRepositoryPolicy(t.policy); err != nil {
			return err
		}
	}
	if t.lifecycle != "" {
		_, err = parseLifecycle(t.lifecycle)
	}
	return err
}

func (c *Cloud) noSuchTemplate(prefix string) error {
	return refuse("TemplateNotFoundException", "The Repository Creation Template with prefix '%s' does not exist in the registry with id '%s'",
		prefix, c.options.Account)
}

func (c *Cloud) createTemplate(in templateJSON) (*templateResult, error) {
	if !validPrefix.MatchString(in.Prefix) {
		return nil, invalid("prefix", "must satisfy regular expression '^(%s\\/?|ROOT)$'", repositoryPattern)
	}
	in.Prefix = strings.TrimSuffix(in.Prefix, "/")
	t := template{prefix: in.Prefix, created: c.now}
	if err := c.apply(&t, in); err != nil {
		return nil, err
	}
	if c.templates.taken(t.prefix) {
		return nil, refuse("TemplateAlreadyExistsException", "The Repository Creation Template with prefix '%s' already exists in the registry with id '%s'",
			t.prefix, c.options.Account)
	}
	c.templates.set(t.prefix, &t)
	return c.templateResult(&t), nil
}

func (c *Cloud) updateTemplate(in templateJSON) (result *templateResult, err error) {
	in.Prefix = strings.TrimSuffix(in.Prefix, "/")
	if c.templates.get(in.Prefix) == nil {
		return nil, c.noSuchTemplate(in.Prefix)
	}
	err = c.templates.update(in.Prefix, c.noSuchTemplate(in.Prefix), func(t *template) error {
		result = c.templateResult(t)
		return c.apply(t, in)
	})
	return result, err
}

func (c *Cloud) deleteTemplate(in templateJSON) (*templateResult, error) {
	in.Prefix = strings.TrimSuffix(in.Prefix, "/")
	t := c.templates.truth(in.Prefix)
	if t == nil || c.templates.get(in.Prefix) == nil {
		return nil, c.noSuchTemplate(in.Prefix)
	}
	c.templates.set(t.prefix, nil)
	return c.templateResult(t), nil
}

type templatesResult struct {
	RegistryID string         `json:"registryId"`
	Templates  []templateJSON `json:"repositoryCreationTemplates"`
	NextToken  string         `json:"nextToken,omitempty"`
}

func (c *Cloud) describeTemplates(in struct {
	inPages
	Prefixes []string `json:"prefixes"`
},
) (*templatesResult, error) {
	all := []templateJSON{}
	for i, prefix := range in.Prefixes {
		in.Prefixes[i] = strings.TrimSuffix(prefix, "/")
	}
	for t := range c.templates.all() {
		if len(in.Prefixes) == 0 || slices.Contains(in.Prefixes, t.prefix) {
			all = append(all, c.templateResult(t).Template)
		}
	}
	page, next, err := ecrPage(in.inPages, 1000, all, func(t templateJSON) string { return t.Prefix })
	return &templatesResult{c.options.Account, page, next}, err
}

// templateFor is the template that a push to a repository that does not exist creates it from, or nil: the one with the longest prefix.
func (c *Cloud) templateFor(repository string) *template {
	var best *template
	for t := range c.templates.all() {
		if !slices.Contains(t.appliedFor, "CREATE_ON_PUSH") || t.prefix != rootPrefix && !strings.HasPrefix(repository, t.prefix+"/") {
			continue
		}
		if best == nil || best.prefix == rootPrefix || t.prefix != rootPrefix && len(t.prefix) > len(best.prefix) {
			best = t
		}
	}
	return best
}
