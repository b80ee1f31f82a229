package awsregistry

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// podIdentityService is who assumes a role for EKS Pod Identity. It has this name in every partition.
const podIdentityService = "pods.eks.amazonaws.com"

// The session tags by which EKS Pod Identity tells for whom it assumes a role.
const (
	namespaceTag      = "aws:RequestTag/kubernetes-namespace"
	serviceAccountTag = "aws:RequestTag/kubernetes-service-account"
)

// STSAudience is for whom the tokens of service accounts are that EKS mounts into pods.
const STSAudience = "sts.amazonaws.com"

// ServiceAccountTrust lets the tokens of service accounts assume a role through the cluster's identity provider (IRSA). An
// empty audience is no condition on it, as in the module's trust policy (internal/rime/CONTRACT.md §5.3).
func ServiceAccountTrust(providerARN, audience string, subjects ...string) string {
	_, issuer, _ := strings.Cut(providerARN, ":oidc-provider/")
	equals := map[string]values{issuer + ":sub": slices.Compact(slices.Sorted(slices.Values(subjects)))}
	if audience != "" {
		equals[issuer+":aud"] = values{audience}
	}
	return document{Statement: []statement{{
		Effect: "Allow", Action: []string{"sts:AssumeRoleWithWebIdentity"},
		Principal: map[string]string{"Federated": providerARN},
		Condition: map[string]map[string]values{"StringEquals": equals},
	}}}.text()
}

// PodIdentityTrust lets EKS Pod Identity assume a role. Which service accounts may use the role is said by the associations of the clusters; the conditions hold
// the role to these, by the session tags that EKS sets. No account leaves it to the associations alone.
func PodIdentityTrust(accounts ...ServiceAccount) string {
	trust := func(condition map[string]map[string]values) statement {
		return statement{
			Effect: "Allow", Action: []string{"sts:AssumeRole", "sts:TagSession"},
			Principal: map[string]string{"Service": podIdentityService}, Condition: condition,
		}
	}
	if len(accounts) == 0 {
		return document{Statement: []statement{trust(nil)}}.text()
	}
	byNamespace := map[string]values{}
	for _, account := range accounts {
		byNamespace[account.Namespace] = append(byNamespace[account.Namespace], account.Name)
	}
	// A statement for each namespace: in one for all, each name would be good in each namespace.
	var statements []statement
	for _, namespace := range slices.Sorted(maps.Keys(byNamespace)) {
		names := byNamespace[namespace]
		slices.Sort(names)
		statements = append(statements, trust(map[string]map[string]values{"StringEquals": {
			namespaceTag: {namespace}, serviceAccountTag: slices.Compact(names),
		}}))
	}
	return document{Statement: statements}.text()
}

// ServiceAccountAnnotation is the annotation that makes a service account use the role through IRSA. EKS Pod Identity needs none.
func ServiceAccountAnnotation(roleARN string) (key, value string) {
	return "eks.amazonaws.com/role-arn", roleARN
}

var providerARNForm = regexp.MustCompile(`\Aarn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/[A-Za-z0-9./_:-]+\z`)

// CheckOIDCProviderARN refuses what is not the ARN of an IAM identity provider.
func CheckOIDCProviderARN(arn string) *InputError {
	if providerARNForm.MatchString(arn) {
		return nil
	}
	suggestion := "take it from the output of the cluster's module, or `aws iam list-open-id-connect-providers`"
	if strings.HasPrefix(arn, "https://") {
		suggestion = "a URL goes into oidc_provider_url"
	}
	return &InputError{Rule: -1, Field: FieldOIDCProviderARN, Text: arn, Problem: "is not the ARN of an IAM identity provider (arn:aws:iam::<account>:oidc-provider/<issuer>)", Suggestion: suggestion}
}

var providerURLForm = regexp.MustCompile(`\A(?:https://)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?(?:/[A-Za-z0-9._/-]*)?\z`)

// CheckOIDCProviderURL refuses what is not the address of an issuer, with or without its scheme.
func CheckOIDCProviderURL(url string) *InputError {
	if providerURLForm.MatchString(url) {
		return nil
	}
	if strings.HasPrefix(url, "http://") {
		return &InputError{
			Rule: -1, Field: FieldOIDCProviderURL, Text: url, Problem: "begins with http://, and IAM knows issuers by https only",
			Suggestion: "write https://, or leave the scheme out",
		}
	}
	return &InputError{Rule: -1, Field: FieldOIDCProviderURL, Text: url, Problem: "is not the address of a cluster's OIDC issuer (oidc.eks.<region>.amazonaws.com/id/…)", Suggestion: "take it from `aws eks describe-cluster`, identity.oidc.issuer"}
}
