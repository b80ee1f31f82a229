package awsregistry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// OwnershipTag is on every role and policy this provider makes, where its value is [RegistrySpec.Owner], so that no resource takes another's for its own; and on
// repositories the embedded registry makes, where it names the repository.
const OwnershipTag = "rime:managed-image-registry"

// RegistrySpec is what a Managed Image Registry is to have on AWS.
type RegistrySpec struct {
	// Prefix is the effective prefix of all repositories: see [EffectivePrefix]. Empty is every repository of the account in the region.
	Prefix string
	// Server and Builder are the two identities.
	Server, Builder IdentitySpec
	// RolePath is the path of the roles. Empty is "/". The policies are at "/", as the module's.
	RolePath string
	// PermissionsBoundaryARN is the boundary of the roles. Empty: none.
	PermissionsBoundaryARN string
	// Tags are on roles, policies and the creation template, besides [Config.DefaultTags].
	Tags map[string]string
	// Repositories are the settings of everything under the prefix.
	Repositories RepositorySettings
	// Template makes repositories on the first push. Nil: none of ours.
	Template *TemplateSpec
	// Owner is what tells roles, policies and template of this registry from any other's, as [Client.NewOwner] made it.
	Owner string
	// Known are the ids of what the caller's state has: it is the caller's without the owner on it.
	Known Known
	// Adopted tells that it was imported and not changed since, so that what is known need not carry the owner, and may carry
	// another one.
	Adopted bool
	// Unfinished tells that the change to this failed: some of it may never have been made.
	Unfinished bool
	// AllowedPolicies are policies of others that may stay on the roles: ARNs, and names of inline policies with "inline:"
	// before them.
	AllowedPolicies []string
	// ForceDetach takes policies of others off the roles: those that are not allowed, and all before a role is deleted.
	ForceDetach bool
}

// IdentitySpec is one role with its policy. What the policy allows follows from the prefix and from which identity it is.
type IdentitySpec struct {
	RoleName   string
	PolicyName string
	Trust      TrustSpec
}

// TrustSpec says who may take on a role.
type TrustSpec struct {
	// OIDCProviderARN is the identity provider of the cluster (IRSA).
	OIDCProviderARN string
	// OIDCProviderURL is the issuer instead, with or without its scheme: the ARN follows from the account.
	OIDCProviderURL string
	// PodIdentity trusts EKS Pod Identity instead.
	PodIdentity bool
	// Audience is for whom the tokens have to be (IRSA). Empty: no condition.
	Audience string
	// KeepAudience keeps the condition for [STSAudience] where a role has it, with an empty Audience.
	KeepAudience bool
	// ServiceAccounts are who. Never empty with IRSA; with Pod Identity, none leaves it to the associations.
	ServiceAccounts []ServiceAccount
}

// Document is the trust policy as JSON.
func (t TrustSpec) Document(account Account) string {
	if t.PodIdentity {
		return PodIdentityTrust(t.ServiceAccounts...)
	}
	subjects := make([]string, 0, len(t.ServiceAccounts))
	for _, serviceAccount := range t.ServiceAccounts {
		subjects = append(subjects, serviceAccount.Subject())
	}
	return ServiceAccountTrust(cmp.Or(t.OIDCProviderARN, account.OIDCProviderARN(t.OIDCProviderURL)), t.Audience, subjects...)
}

// Check refuses a trust that nobody, or anybody, could use.
func (t TrustSpec) Check() *InputError {
	refuse := func(field Field, text, problem, suggestion string) *InputError {
		return &InputError{Rule: -1, Field: field, Text: text, Problem: problem, Suggestion: suggestion}
	}
	given := 0
	for _, kind := range []bool{t.OIDCProviderARN != "", t.OIDCProviderURL != "", t.PodIdentity} {
		if kind {
			given++
		}
	}
	switch {
	case given != 1:
		return refuse(FieldOIDCProviderARN, t.OIDCProviderARN, "is one of three ways to trust a cluster, and exactly one is needed", "give oidc_provider_arn, oidc_provider_url, or EKS Pod Identity")
	case t.OIDCProviderARN != "":
		if err := CheckOIDCProviderARN(t.OIDCProviderARN); err != nil {
			return err
		}
	case t.OIDCProviderURL != "":
		if err := CheckOIDCProviderURL(t.OIDCProviderURL); err != nil {
			return err
		}
	}
	if t.PodIdentity && t.Audience != "" {
		return refuse(FieldOIDCAudience, t.Audience, "does not go with EKS Pod Identity, which knows no audience", "leave it out")
	}
	if bare := strings.TrimSpace(t.Audience); strings.EqualFold(bare, STSAudience) && t.Audience != STSAudience {
		return refuse(FieldOIDCAudience, t.Audience, "is no audience of a token: IAM compares it letter by letter", fmt.Sprintf("write %q", STSAudience))
	} else if strings.ContainsFunc(t.Audience, unicode.IsSpace) {
		return refuse(FieldOIDCAudience, t.Audience, "holds white space, which no audience has", "remove it")
	}
	if !t.PodIdentity && len(t.ServiceAccounts) == 0 {
		return refuse(FieldServiceAccounts, "", "are missing: a role for a cluster's identity provider names them", "give a namespace")
	}
	for _, account := range t.ServiceAccounts {
		if account.Namespace == "" || account.Name == "" || strings.ContainsAny(account.Namespace+account.Name, ":*? ") {
			return refuse(FieldServiceAccounts, account.Namespace+":"+account.Name, "is no service account", "give a namespace and a name")
		}
	}
	return nil
}

// RepositorySettings are settings of repositories. What is left out is not managed.
type RepositorySettings struct {
	// TagMutability is "MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION" or "IMMUTABLE_WITH_EXCLUSION". Empty: not managed.
	TagMutability string
	// Exclusions are the patterns of tags, with "*", to which the mutability does not apply.
	Exclusions []string
	// ScanOnPush scans images when they arrive. Nil: not managed.
	ScanOnPush *bool
	// Encryption is for new repositories only. Nil: ECR's default.
	Encryption *Encryption
	// LifecyclePolicy is the policy's JSON. Empty: not managed.
	LifecyclePolicy string
	// Tags are for new repositories only, besides [Config.DefaultTags].
	Tags map[string]string
}

// Encryption says how a repository is encrypted. It cannot be changed later.
type Encryption struct {
	// Type is "AES256", "KMS" or "KMS_DSSE".
	Type string
	// KMSKey is a key's ARN, id or alias. Empty with KMS: AWS's own key.
	KMSKey string
}

// TemplateSpec is a repository creation template: what makes repositories under the prefix on the first push.
type TemplateSpec struct {
	// AppliedFor are "CREATE_ON_PUSH", "PULL_THROUGH_CACHE" and "REPLICATION". Empty: the first.
	AppliedFor []string
	// Description is for people. Empty: one that says whose it is.
	Description string
	// CustomRoleARN is a role that ECR takes on to tag repositories and to encrypt them with a key. Empty: ECR's own, which may not, so that there are no tags.
	CustomRoleARN string
}

// Documents are the policy documents of a registry, as JSON.
type Documents struct{ Server, Builder IdentityDocuments }

// IdentityDocuments are those of one identity.
type IdentityDocuments struct {
	// Policy says what the identity may do.
	Policy string
	// Trust says who may be it.
	Trust string
}

// Documents returns the documents the registry is to have in that account. It asks nobody.
func (s RegistrySpec) Documents(account Account) Documents {
	return Documents{
		Server:  IdentityDocuments{Policy: RegistryServerPolicy(account, s.Prefix), Trust: s.Server.Trust.Document(account)},
		Builder: IdentityDocuments{Policy: ImageBuilderPolicy(account, s.Prefix), Trust: s.Builder.Trust.Document(account)},
	}
}

// Names are the names of its roles and policies.
func (s RegistrySpec) Names() Names {
	return Names{
		ServerRole: s.Server.RoleName, ServerPolicy: s.Server.PolicyName,
		BuilderRole: s.Builder.RoleName, BuilderPolicy: s.Builder.PolicyName,
	}
}

// rolePath is the path of the roles.
func (s RegistrySpec) rolePath() string { return cmp.Or(s.RolePath, "/") }

// owner is the value of [OwnershipTag] for a repository.
func owner(repository string) string { return "/" + strings.Trim(repository, "/") }

// MergedTags are the tags of something with the client's defaults, as AWS is to have them, without [OwnershipTag].
func (c *Client) MergedTags(tags map[string]string) map[string]string {
	merged := maps.Clone(c.config.DefaultTags)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, tags)
	return merged
}

// ownedTags are the merged tags with [OwnershipTag].
func (c *Client) ownedTags(tags map[string]string, owner string) map[string]string {
	merged := c.MergedTags(tags)
	merged[OwnershipTag] = owner
	return merged
}

// Check refuses what AWS would refuse. Mutability and exclusions go together; a lifecycle policy is checked by itself.
func (s RepositorySettings) Check() *InputError {
	refuse := func(field Field, text, problem, suggestion string) *InputError {
		return &InputError{Rule: -1, Field: field, Text: text, Problem: problem, Suggestion: suggestion}
	}
	withExclusion := strings.HasSuffix(s.TagMutability, "_WITH_EXCLUSION")
	switch {
	case !slices.Contains([]string{"", "MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"}, s.TagMutability):
		return refuse(FieldTagMutability, s.TagMutability, "is no tag mutability of ECR", "write \"MUTABLE\", \"IMMUTABLE\", or one of them with \"_WITH_EXCLUSION\"")
	case withExclusion && len(s.Exclusions) == 0:
		return refuse(FieldExclusions, "", "are missing", "give a pattern, or leave out \"_WITH_EXCLUSION\"")
	case !withExclusion && len(s.Exclusions) > 0:
		return refuse(FieldExclusions, strings.Join(s.Exclusions, ", "), "need a mutability with exclusions", "write \"MUTABLE_WITH_EXCLUSION\" or \"IMMUTABLE_WITH_EXCLUSION\"")
	case len(s.Exclusions) > maxExclusions:
		return refuse(FieldExclusions, strings.Join(s.Exclusions, ", "), "are more than the five that ECR allows", "put several into one pattern")
	}
	for _, pattern := range s.Exclusions {
		if !exclusionForm.MatchString(pattern) || strings.Count(pattern, "*") > 2 {
			return refuse(FieldExclusions, pattern, "is no pattern of ECR: it has at most 128 letters, digits, \"_\", \".\", \"-\" and two \"*\"", "")
		}
	}
	if e := s.Encryption; e != nil {
		switch {
		case !slices.Contains([]string{"AES256", "KMS", "KMS_DSSE"}, e.Type):
			return refuse(FieldEncryption, e.Type, "is no encryption of ECR", "write \"AES256\", \"KMS\" or \"KMS_DSSE\"")
		case e.Type == "AES256" && e.KMSKey != "":
			return refuse(FieldEncryption, e.KMSKey, "is a key, which AES256 does not take", "write \"KMS\", or leave the key out")
		}
	}
	return nil
}
