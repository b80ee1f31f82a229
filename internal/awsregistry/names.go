package awsregistry

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Names are what the roles and policies of a Managed Image Registry are called, and what they are for.
type Names struct {
	// ServerRole manages repositories: the platform's registry server uses it.
	ServerRole   string
	ServerPolicy string
	// BuilderRole pushes images: the platform's builder jobs use it.
	BuilderRole   string
	BuilderPolicy string
}

// hasRole tells whether one of the roles has that name.
func (n Names) hasRole(name string) bool {
	return name != "" && (name == n.ServerRole || name == n.BuilderRole)
}

// hasPolicy tells whether one of the policies has that name.
func (n Names) hasPolicy(name string) bool {
	return name != "" && (name == n.ServerPolicy || name == n.BuilderPolicy)
}

// policyOf is the policy of the role of that name.
func (n Names) policyOf(role string) string {
	if role == n.ServerRole {
		return n.ServerPolicy
	}
	return n.BuilderPolicy
}

// ModuleNames are the names the platform's own Terraform module gives (internal/rime/CONTRACT.md §5.3). Without a namespace they are those of the module's
// generation that had one role for all namespaces.
func ModuleNames(suffix, namespace string) Names {
	given := slices.DeleteFunc([]string{"", suffix, namespace}, func(part string) bool { return part == "" })
	end := ""
	if len(given) > 0 {
		end = "_" + strings.Join(given, "_")
	}
	return Names{
		ServerRole: "eks_ecr_repo_manager" + end, ServerPolicy: "eks_ecr_repo_management_policy" + end,
		BuilderRole: "eks_ecr_image_builder" + end, BuilderPolicy: "eks_ecr_image_builder_policy" + end,
	}
}

// The descriptions the module gives to its roles.
const (
	ServerDescription  = "Role to manage repositories in ECR."
	BuilderDescription = "Role to build new images within RIME's managed repositories."
)

// EffectivePrefix puts together the prefix of repositories as the module does: base, suffix and namespace, leaving out what is empty
// (internal/rime/CONTRACT.md §5.2).
func EffectivePrefix(base, suffix, namespace string) string {
	return strings.Trim(path.Join(strings.Trim(base, "/"), suffix, namespace), "/")
}

// ServiceAccount is a Kubernetes service account.
type ServiceAccount struct {
	Namespace string
	Name      string
}

// Subject is how the account's tokens name it.
func (s ServiceAccount) Subject() string {
	return "system:serviceaccount:" + s.Namespace + ":" + s.Name
}

// ModuleServiceAccounts are the service accounts the module trusts: those of the chart when its release is named as the module expects, which in
// the namespace "default" is after the suffix (internal/rime/CONTRACT.md §5.3).
func ModuleServiceAccounts(suffix, namespace string) (server, builder ServiceAccount) {
	release := "rime-" + namespace
	if namespace == "default" && suffix != "" {
		release = "rime-" + suffix
	}
	server = ServiceAccount{Namespace: namespace, Name: release + "-image-registry-server"}
	return server, ServiceAccount{Namespace: namespace, Name: server.Name + "-job"}
}

// ChartServiceAccounts are the service accounts of a chart's release of that name: what the trust must hold where the release is not named
// as the module expects.
func ChartServiceAccounts(release, namespace string) (server, builder ServiceAccount) {
	if !strings.Contains(release, "rime") {
		release += "-rime"
	}
	server = ServiceAccount{Namespace: namespace, Name: release + "-image-registry-server"}
	return server, ServiceAccount{Namespace: namespace, Name: server.Name + "-job"}
}

const (
	// maxRepository is the longest name of a repository, in characters.
	maxRepository = 256
	// roomForImage is what a prefix leaves for the names of images under it, in characters.
	roomForImage = 64
	// maxRoleName and maxPolicyName are IAM's limits, in characters.
	maxRoleName, maxPolicyName = 64, 128
	// maxSuffix is the module's limit on its suffix, in characters.
	maxSuffix = 25
)

var (
	prefixForm    = regexp.MustCompile(`\A[a-z][a-z0-9]*(?:[/_-][a-z0-9]+)*\z`)
	suffixForm    = regexp.MustCompile(`\A[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\z`)
	namespaceForm = regexp.MustCompile(`\A[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\z`)
	iamNameForm   = regexp.MustCompile(`\A[\w+=,.@-]+\z`)
	rolePathForm  = regexp.MustCompile(`\A/(?:[!-~]+/)?\z`)
)

// CheckPrefix refuses what cannot be a prefix of repositories: the module's rule, by which an empty one is none (internal/rime/CONTRACT.md §5.1). Whether an
// empty prefix is meant is for the caller to ask.
func CheckPrefix(prefix string) *InputError {
	switch {
	case prefix == "":
		return nil
	case !prefixForm.MatchString(prefix):
		suggestion := ""
		if fixed := strings.ToLower(strings.Trim(prefix, "/ ")); fixed != prefix && prefixForm.MatchString(fixed) {
			suggestion = "write " + quote(fixed)
		}
		return &InputError{
			Rule: -1, Field: FieldRepositoryPrefix, Text: prefix, Suggestion: suggestion,
			Problem: "is no prefix of repositories: it starts with a lower-case letter and holds words of lower-case letters and digits with a single \"/\", \"-\" or \"_\" between them",
		}
	case len(prefix) > maxRepository-roomForImage:
		return &InputError{Rule: -1, Field: FieldRepositoryPrefix, Text: prefix, Problem: "leaves no room for the names of images: a repository's name has at most 256 characters", Suggestion: "shorten it to 192 characters"}
	}
	return nil
}

// CheckNaming refuses a suffix or a namespace that the names made of them could not hold.
func CheckNaming(suffix, namespace string) *InputError {
	switch {
	case suffix != "" && (!suffixForm.MatchString(suffix) || strings.Contains(suffix, "..") || len(suffix) > maxSuffix):
		return &InputError{Rule: -1, Field: FieldNameSuffix, Text: suffix, Problem: "cannot end the names of resources: it has at most 25 lower-case letters, digits, \".\" and \"-\", with a letter or a digit at both ends"}
	case namespace != "" && !namespaceForm.MatchString(namespace):
		return &InputError{Rule: -1, Field: FieldNamespace, Text: namespace, Problem: "is no Kubernetes namespace: it has at most 63 lower-case letters, digits and \"-\", with a letter or a digit at both ends"}
	}
	return nil
}

// CheckNames refuses names that IAM would refuse, and one name for two.
func CheckNames(n Names) *InputError {
	for _, name := range []struct {
		field Field
		text  string
		limit int
	}{
		{FieldRoleName, n.ServerRole, maxRoleName},
		{FieldRoleName, n.BuilderRole, maxRoleName},
		{FieldPolicyName, n.ServerPolicy, maxPolicyName},
		{FieldPolicyName, n.BuilderPolicy, maxPolicyName},
	} {
		switch {
		case !iamNameForm.MatchString(name.text):
			return &InputError{Rule: -1, Field: name.field, Text: name.text, Problem: "is no name in IAM: it holds letters, digits and the characters _+=,.@-"}
		case len(name.text) > name.limit:
			return &InputError{
				Rule: -1, Field: name.field, Text: name.text, Suggestion: "shorten the suffix or the namespace, or give the name yourself",
				Problem: "is too long for IAM: a role's name has at most 64 characters, a policy's 128",
			}
		}
	}
	const suggestion = "give the two different names"
	switch { // To IAM, names that differ in their case only are the same.
	case strings.EqualFold(n.ServerRole, n.BuilderRole):
		return &InputError{Rule: -1, Field: FieldRoleName, Text: n.BuilderRole, Problem: "is the name of both roles, and each needs one of its own", Suggestion: suggestion}
	case strings.EqualFold(n.ServerPolicy, n.BuilderPolicy):
		return &InputError{Rule: -1, Field: FieldPolicyName, Text: n.BuilderPolicy, Problem: "is the name of both policies, and each needs one of its own", Suggestion: suggestion}
	}
	return nil
}

// CheckRolePath refuses what cannot be the path of a role.
func CheckRolePath(rolePath string) *InputError {
	if rolePathForm.MatchString(rolePath) && len(rolePath) <= 512 {
		return nil
	}
	suggestion := ""
	if trimmed := strings.Trim(rolePath, "/"); trimmed != "" && rolePathForm.MatchString("/"+trimmed+"/") {
		suggestion = "write " + quote("/"+trimmed+"/")
	}
	return &InputError{Rule: -1, Field: FieldRolePath, Text: rolePath, Problem: "is no path in IAM: it begins and ends with \"/\" and has at most 512 characters", Suggestion: suggestion}
}

var boundaryForm = regexp.MustCompile(`\Aarn:aws[a-z-]*:iam::(?:[0-9]{12}|aws):policy/[\w+=,.@/-]+\z`)

// CheckPermissionsBoundary refuses what is not the ARN of a policy.
func CheckPermissionsBoundary(arn string) *InputError {
	if boundaryForm.MatchString(arn) {
		return nil
	}
	return &InputError{Rule: -1, Field: FieldPermissionsBoundary, Text: arn, Problem: "is not the ARN of a policy (arn:aws:iam::<account>:policy/<name>)"}
}

// maxTags is how many tags a resource may have besides [OwnershipTag] (IAM user guide, "IAM and AWS STS quotas").
const maxTags = 49

// hclName is a key that a configuration may write without quotes.
var hclName = regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_-]*\z`)

var tagText = regexp.MustCompile(`\A[\p{L}\p{Z}\p{N}_.:/=+@-]*\z`)

// CheckTags refuses tags that IAM or ECR would refuse.
func CheckTags(tags map[string]string) *InputError {
	refuse := func(text, problem string) *InputError {
		return &InputError{Rule: -1, Field: FieldTags, Text: text, Problem: problem}
	}
	if len(tags) > maxTags {
		return refuse(strconv.Itoa(len(tags)), "tags are more than the 49 that AWS leaves besides ours")
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128 || !tagText.MatchString(key):
			return refuse(key, "is no key of a tag: it has 1 to 128 letters, digits, spaces and characters of _.:/=+-@")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return refuse(key, "is a key of AWS's own")
		case key == OwnershipTag:
			return refuse(key, "is the tag that tells what is ours")
		case utf8.RuneCountInString(value) > 256 || !tagText.MatchString(value):
			return refuse(value, "is no value of a tag: it has at most 256 letters, digits, spaces and characters of _.:/=+-@")
		}
	}
	return nil
}

// maxExclusions is how many patterns may be excluded from a tag mutability (ECR API, PutImageTagMutability).
const maxExclusions = 5

var exclusionForm = regexp.MustCompile(`\A[0-9a-zA-Z._*-]{1,128}\z`)
