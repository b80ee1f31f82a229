package awsregistry

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Drift is one difference between what is asked for and what there is.
type Drift struct {
	// Path is what differs: "registry_server" or "image_builder" with "role", "trust", "permissions_boundary_arn", "role_path", "role_tags", "role_owner",
	// "other_policies", "policy", "policy_tags", "policy_owner" or "attachment"; "creation_template"; "repositories" with "lifecycle_policy" or "settings".
	Path string
	// Problem is what is wrong, as the rest of a sentence that begins with the path.
	Problem string
}

// String is the difference in a line.
func (d Drift) String() string { return d.Path + " " + d.Problem }

const (
	isMissing = "is missing"
	// isOther is for documents, which are too long to be shown.
	isOther = "is not as configured"
)

// differs shows two values.
func differs(want, got string) string { return fmt.Sprintf("is %s, not %s", got, want) }

// Drift compares what there is with what is asked for, by meaning. None: the registry is as it should be.
func (c *Client) Drift(spec RegistrySpec, registry Registry) []Drift {
	server, builder := c.identities(registry.Account, spec)
	drift := slices.Concat(
		c.identityDrift(server, registry.Server, "registry_server."), othersDrift(spec, registry.Server, "registry_server."),
		c.identityDrift(builder, registry.Builder, "image_builder."), othersDrift(spec, registry.Builder, "image_builder."))
	if spec.Template != nil {
		if registry.Template == nil {
			drift = append(drift, Drift{"creation_template", isMissing})
		} else if !registry.Template.same(c.wantedTemplate(spec)) {
			drift = append(drift, Drift{"creation_template", isOther})
		}
	}
	return append(drift, registry.Repositories.drift()...)
}

// identityDrift compares one identity, but for policies of others.
func (c *Client) identityDrift(id identity, is Identity, path string) []Drift {
	var drift []Drift
	compare := func(what, problem string, same bool) {
		if !same {
			drift = append(drift, Drift{path + what, problem})
		}
	}
	tags := c.MergedTags(id.spec.Tags)
	compare("policy", isMissing, is.Policy != nil)
	if is.Policy != nil {
		compare("policy", isOther, SamePolicy(id.documents.Policy, is.Policy.Document))
		compare("policy_owner", ownerDiffers(id.spec.Owner, is.Policy.Owner), id.spec.Adopted || id.spec.Owner == is.Policy.Owner)
		compare("policy_tags", differs(hclMap(tags), hclMap(is.Policy.Tags)), maps.Equal(tags, is.Policy.Tags))
	}
	compare("role", isMissing, is.Role != nil)
	if is.Role == nil {
		return drift
	}
	boundary, wantBoundary := is.Role.PermissionsBoundaryARN, id.spec.PermissionsBoundaryARN
	compare("role_owner", ownerDiffers(id.spec.Owner, is.Role.Owner), id.spec.Adopted || id.spec.Owner == is.Role.Owner)
	compare("trust", isOther, SamePolicy(id.trustOver(is.Role.Trust), is.Role.Trust))
	compare("permissions_boundary_arn", differs(orNone(wantBoundary), orNone(boundary)), wantBoundary == boundary)
	compare("role_path", differs(strconv.Quote(id.spec.rolePath()), strconv.Quote(is.Role.Path)), id.spec.rolePath() == is.Role.Path)
	compare("role_tags", differs(hclMap(tags), hclMap(is.Role.Tags)), maps.Equal(tags, is.Role.Tags))
	compare("attachment", isMissing, is.Attached || is.Policy == nil)
	return drift
}

// othersDrift is about policies on a role that are neither ours nor allowed.
func othersDrift(spec RegistrySpec, is Identity, path string) []Drift {
	if is.Role == nil {
		return nil
	}
	var drift []Drift
	for _, policy := range without(is.Role.OtherPolicies, spec.AllowedPolicies) {
		drift = append(drift, Drift{path + "other_policies", "has " + strconv.Quote(policy)})
	}
	return drift
}

// maxNamed is how many repositories a difference names.
const maxNamed = 5

// drift is what is wrong with the repositories.
func (r RepositoryReport) drift() []Drift {
	var drift []Drift
	add := func(path, problem string, names []string) {
		if len(names) > 0 {
			drift = append(drift, Drift{"repositories." + path, problem + " " + someOf(names)})
		}
	}
	add("lifecycle_policy", isMissing+" on", r.WithoutPolicy)
	add("lifecycle_policy", isOther+" on", r.PolicyDrifted)
	add("settings", "are not as configured on", r.SettingsDrifted)
	return drift
}

// someOf names the first of many.
func someOf(names []string) string {
	named := names[:min(len(names), maxNamed)]
	text := strings.Join(named, ", ")
	if more := len(names) - len(named); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// ownerDiffers shows the values of the ownership tag.
func ownerDiffers(want, got string) string {
	return fmt.Sprintf("(tag %s) %s", OwnershipTag, differs(orNone(want), orNone(got)))
}

// orNone is a text in quotes, or that there is none.
func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return strconv.Quote(text)
}

// hclMap is a map as a configuration has it.
func hclMap(m map[string]string) string {
	if len(m) == 0 {
		return "{}"
	}
	var entries []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		name := key
		if !hclName.MatchString(key) {
			name = strconv.Quote(key)
		}
		entries = append(entries, name+" = "+strconv.Quote(m[key]))
	}
	return "{ " + strings.Join(entries, ", ") + " }"
}
