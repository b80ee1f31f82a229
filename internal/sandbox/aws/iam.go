package aws

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// iamOperations are the operations of IAM that there are.
func (c *Cloud) iamOperations() map[string]operation {
	return map[string]operation{
		"/iam/CreatePolicy":            queryOperation(c.createPolicy),
		"/iam/GetPolicy":               queryOperation(c.getPolicy),
		"/iam/ListPolicies":            queryOperation(c.listPolicies),
		"/iam/DeletePolicy":            queryAction(c.deletePolicy),
		"/iam/CreatePolicyVersion":     queryOperation(c.createPolicyVersion),
		"/iam/GetPolicyVersion":        queryOperation(c.getPolicyVersion),
		"/iam/ListPolicyVersions":      queryOperation(c.listPolicyVersions),
		"/iam/SetDefaultPolicyVersion": queryAction(c.setDefaultPolicyVersion),
		"/iam/DeletePolicyVersion":     queryAction(c.deletePolicyVersion),
		"/iam/TagPolicy":               queryAction(c.tagPolicy),
		"/iam/UntagPolicy":             queryAction(c.untagPolicy),
		"/iam/ListPolicyTags":          queryOperation(c.listPolicyTags),
		"/iam/ListEntitiesForPolicy":   queryOperation(c.listEntitiesForPolicy),

		"/iam/CreateRole":                    queryOperation(c.createRole),
		"/iam/GetRole":                       queryOperation(c.getRole),
		"/iam/ListRoles":                     queryOperation(c.listRoles),
		"/iam/UpdateRole":                    queryOperation(c.updateRole),
		"/iam/UpdateAssumeRolePolicy":        queryAction(c.updateAssumeRolePolicy),
		"/iam/DeleteRole":                    queryAction(c.deleteRole),
		"/iam/TagRole":                       queryAction(c.tagRole),
		"/iam/UntagRole":                     queryAction(c.untagRole),
		"/iam/ListRoleTags":                  queryOperation(c.listRoleTags),
		"/iam/PutRolePermissionsBoundary":    queryAction(c.putRolePermissionsBoundary),
		"/iam/DeleteRolePermissionsBoundary": queryAction(c.deleteRolePermissionsBoundary),
		"/iam/AttachRolePolicy":              queryAction(c.attachRolePolicy),
		"/iam/DetachRolePolicy":              queryAction(c.detachRolePolicy),
		"/iam/ListAttachedRolePolicies":      queryOperation(c.listAttachedRolePolicies),
		"/iam/ListRolePolicies":              queryOperation(c.listRolePolicies),
		"/iam/PutRolePolicy":                 queryAction(c.putRolePolicy),
		"/iam/GetRolePolicy":                 queryOperation(c.getRolePolicy),
		"/iam/DeleteRolePolicy":              queryAction(c.deleteRolePolicy),
		"/iam/ListInstanceProfilesForRole":   queryOperation(c.listInstanceProfilesForRole),

		"/iam/GetOpenIDConnectProvider":   queryOperation(c.getOIDCProvider),
		"/iam/ListOpenIDConnectProviders": queryOperation(c.listOIDCProviders),
	}
}

// The quotas of IAM that no request raises by itself, see "IAM and AWS STS quotas".
const (
	maxPolicyVersions  = 5
	maxPolicySize      = 6144 // characters without white space
	maxTrustSize       = 2048
	maxPoliciesPerRole = 10
	maxTags            = 50
)

var (
	validIAMName = regexp.MustCompile(`^[\w+=,.@-]+$`)
	validIAMPath = regexp.MustCompile(`^/([\x21-\x7e]+/)?$`)
)

func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// checkName checks the name of a policy or role.
func checkName(parameter, name string, most int) error {
	switch {
	case name == "":
		return refuse("ValidationError", "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must not be null", lowerFirst(parameter))
	case len(name) > most:
		return refuse("ValidationError", "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", name, lowerFirst(parameter), most)
	case !validIAMName.MatchString(name):
		return refuse("ValidationError", "The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
			lowerFirst(parameter))
	}
	return nil
}

// checkPath returns the path of a new entity, "/" if there is none.
func checkPath(path string) (string, error) {
	path = cmp.Or(path, "/")
	if !validIAMPath.MatchString(path) || len(path) > 512 {
		return "", refuse("ValidationError", "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return path, nil
}

// checkDescription checks a description, of a policy or a role.
func checkDescription(text string) error {
	if len(text) > 1000 {
		return refuse("ValidationError", "1 validation error detected: Value at 'description' failed to satisfy constraint: "+
			"Member must have length less than or equal to 1000")
	}
	return nil
}

// checkSize refuses a document that is too long, white space aside.
func checkSize(quota, document string, most int) error {
	size := 0
	for _, r := range document {
		if !unicode.IsSpace(r) {
			size++
		}
	}
	if size > most {
		return refuse("LimitExceeded", "Cannot exceed quota for %s: %d", quota, most)
	}
	return nil
}

// encoded is how IAM's answers carry a policy document: percent-encoded by RFC 3986.
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// mergeTags adds tags to others, and replaces the values of keys that are there.
func mergeTags(old, added []tag) ([]tag, error) {
	values := map[string]string{}
	for _, t := range old {
		values[t.Key] = t.Value
	}
	seen := map[string]bool{}
	for _, t := range added {
		folded := strings.ToLower(t.Key)
		switch {
		case t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256:
			return nil, refuse("ValidationError", "1 validation error detected: Value at 'tags' failed to satisfy constraint: "+
				"Member must have a key of 1 to 128 characters and a value of at most 256")
		case strings.HasPrefix(folded, "aws:"):
			return nil, refuse("InvalidInput", "Tags with prefix aws: are reserved for system use.")
		case seen[folded]:
			return nil, refuse("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[folded] = true
		values[t.Key] = t.Value
	}
	if len(values) > maxTags {
		return nil, refuse("LimitExceeded", "The number of tags has reached the maximum limit.")
	}
	return sortedTags(values), nil
}

func sortedTags(values map[string]string) []tag {
	tags := make([]tag, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		tags = append(tags, tag{key, values[key]})
	}
	return tags
}

func withoutTags(tags []tag, keys []string) []tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t tag) bool { return slices.Contains(keys, t.Key) })
}

// tagsResult answers the lists of tags.
type tagsResult struct {
	Tags        members[tag]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

func listTags(in params, tags []tag) (tagsResult, error) {
	page, marker, err := pageOf(in, tags, func(t tag) string { return t.Key })
	return tagsResult{members[tag]{page}, marker != "", marker}, err
}

// pageOf is the part of a list, in the order of its keys, that a call asks for, and the marker of the next.
func pageOf[T any](in params, items []T, key func(T) string) (page []T, marker string, err error) {
	size, err := in.number("MaxItems", 100, 1, 1000)
	if err != nil {
		return nil, "", err
	}
	after, err := base64.RawURLEncoding.DecodeString(in.Get("Marker"))
	if err != nil {
		return nil, "", refuse("ValidationError", "Invalid Marker.")
	}
	page, last := pageAfter(items, string(after), size, key)
	return page, base64.RawURLEncoding.EncodeToString([]byte(last)), nil
}

// pageAfter is the first items whose keys come after one, and the key of the last of them if others follow.
func pageAfter[T any](items []T, after string, size int, key func(T) string) (page []T, last string) {
	items = slices.SortedFunc(slices.Values(items), func(a, b T) int { return strings.Compare(key(a), key(b)) })
	if after != "" {
		items = slices.DeleteFunc(items, func(item T) bool { return key(item) <= after })
	}
	if len(items) <= size {
		return items, ""
	}
	return items[:size], key(items[size-1])
}
