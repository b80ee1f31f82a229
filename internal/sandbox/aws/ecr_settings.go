package aws

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

type mutabilityResult struct {
	inRepository
	mutability
}

func (c *Cloud) putImageTagMutability(in mutabilityResult) (*mutabilityResult, error) {
	m, err := in.withDefaults()
	if err != nil {
		return nil, err
	}
	err = c.updateRepository(in.inRepository, func(r *repository) error {
		r.mutability = m
		return nil
	})
	return &mutabilityResult{inRepository{c.options.Account, in.RepositoryName}, m}, err
}

type scanningResult struct {
	inRepository
	Scanning scanning `json:"imageScanningConfiguration"`
}

func (c *Cloud) putImageScanning(in scanningResult) (*scanningResult, error) {
	err := c.updateRepository(in.inRepository, func(r *repository) error {
		r.scanOnPush = in.Scanning.ScanOnPush
		return nil
	})
	return &scanningResult{inRepository{c.options.Account, in.RepositoryName}, in.Scanning}, err
}

type policyText struct {
	inRepository
	PolicyText string `json:"policyText"`
}

// checkRepositoryPolicy checks what every policy of a repository has.
func checkRepositoryPolicy(text string) error {
	d, err := parseDocument(text, "")
	if err != nil || len(text) > 10240 {
		return invalid("PolicyText", "Invalid repository policy provided")
	}
	for _, s := range d.Statement {
		if s.Principal == nil && s.NotPrincipal == nil || len(s.Action)+len(s.NotAction) == 0 {
			return invalid("PolicyText", "Invalid repository policy provided")
		}
	}
	return nil
}

func (c *Cloud) setRepositoryPolicy(in policyText) (*policyText, error) {
	if _, err := c.find(in.inRepository); err != nil {
		return nil, err
	}
	if err := checkRepositoryPolicy(in.PolicyText); err != nil {
		return nil, err
	}
	err := c.updateRepository(in.inRepository, func(r *repository) error {
		r.policy = in.PolicyText
		return nil
	})
	return &policyText{inRepository{c.options.Account, in.RepositoryName}, in.PolicyText}, err
}

func (c *Cloud) noRepositoryPolicy(r *repository) error {
	return refuse("RepositoryPolicyNotFoundException", "Repository policy does not exist for the repository with name '%s' in the registry with id '%s'",
		r.name, c.options.Account)
}

func (c *Cloud) getRepositoryPolicy(in inRepository) (*policyText, error) {
	r, err := c.find(in)
	if err != nil {
		return nil, err
	}
	if r.policy == "" {
		return nil, c.noRepositoryPolicy(r)
	}
	return &policyText{c.of(r), r.policy}, nil
}

func (c *Cloud) deleteRepositoryPolicy(in inRepository) (result *policyText, err error) {
	err = c.updateRepository(in, func(r *repository) error {
		if r.policy == "" {
			return c.noRepositoryPolicy(r)
		}
		result = &policyText{c.of(r), r.policy}
		r.policy = ""
		return nil
	})
	return result, err
}

// mergeECRTags adds tags to others, and replaces the values of keys that are there.
func mergeECRTags(old, added []tag) ([]tag, error) {
	values := map[string]string{}
	for _, t := range old {
		values[t.Key] = t.Value
	}
	for _, t := range added {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 || strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, refuse("InvalidTagParameterException", "Invalid parameter at 'tags' failed to satisfy constraint: "+
				"'a key has 1 to 128 characters and does not begin with aws:, and a value has at most 256'")
		}
		values[t.Key] = t.Value
	}
	if len(values) > maxTags {
		return nil, refuse("TooManyTagsException", "Invalid parameter at 'tags' failed to satisfy constraint: 'a resource has at most %d tags'", maxTags)
	}
	return sortedTags(values), nil
}

type resourceTags struct {
	ResourceARN string   `json:"resourceArn,omitempty"`
	Tags        []tag    `json:"tags,omitempty"`
	TagKeys     []string `json:"tagKeys,omitempty"`
}

func (c *Cloud) tagResource(in resourceTags) (*struct{}, error) {
	repository, err := c.nameOfARN(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &struct{}{}, c.updateRepository(repository, c.tagging(in.Tags))
}

func (c *Cloud) tagging(tags []tag) func(*repository) error {
	return func(r *repository) (err error) {
		r.tags, err = mergeECRTags(r.tags, tags)
		return err
	}
}

func (c *Cloud) untagResource(in resourceTags) (*struct{}, error) {
	name, err := c.nameOfARN(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &struct{}{}, c.updateRepository(name, func(r *repository) error {
		r.tags = withoutTags(r.tags, in.TagKeys)
		return nil
	})
}

func (c *Cloud) listTagsForResource(in resourceTags) (*resourceTags, error) {
	name, err := c.nameOfARN(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	r, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return &resourceTags{Tags: r.tags}, nil
}

// accountSetting is a setting of the whole registry.
type accountSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// settings are those that there are, and what they can be; the first is what they are without being set.
var settings = map[string][]string{
	"BLOB_MOUNTING":           {"DISABLED", "ENABLED"},
	"BASIC_SCAN_TYPE_VERSION": {"AWS_NATIVE", "CLAIR"},
	"REGISTRY_POLICY_SCOPE":   {"V2", "V1"},
}

func (c *Cloud) getAccountSetting(in accountSetting) (*accountSetting, error) {
	values, known := settings[in.Name]
	if !known {
		return nil, invalid("name", "must be one of %s", strings.Join(slices.Sorted(maps.Keys(settings)), ", "))
	}
	value := c.settings[in.Name]
	value = cmp.Or(value, values[0])
	return &accountSetting{in.Name, value}, nil
}

func (c *Cloud) putAccountSetting(in accountSetting) (*accountSetting, error) {
	if _, err := c.getAccountSetting(in); err != nil {
		return nil, err
	}
	if !slices.Contains(settings[in.Name], in.Value) {
		return nil, invalid("value", "must be one of %s", strings.Join(settings[in.Name], ", "))
	}
	c.settings[in.Name] = in.Value
	return &in, nil
}
