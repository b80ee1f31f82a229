package awsregistry

import (
	"encoding/json"
	"strings"
)

// oneOrMany is how IAM writes lists: a single value stands for itself.
type oneOrMany []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMany) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(o))
	}
	var single string
	err := json.Unmarshal(text, &single)
	*o = oneOrMany{single}
	return err
}

// trustStatement is a statement of a trust policy, as far as this package writes one.
type trustStatement struct {
	Principal struct{ Federated, Service oneOrMany }
	Condition map[string]map[string]oneOrMany
}

// ParseTrust reads a trust policy back into what it was made of, and tells whether that is one this package makes: what [TrustSpec.Document] returns for the result
// means the same as the text.
func ParseTrust(text string) (TrustSpec, bool) {
	var parsed struct{ Statement []trustStatement }
	if json.Unmarshal([]byte(Unescape(text)), &parsed) != nil || len(parsed.Statement) == 0 {
		return TrustSpec{}, false
	}
	var trust TrustSpec
	for _, statement := range parsed.Statement {
		equals := statement.Condition["StringEquals"]
		switch {
		case len(statement.Principal.Federated) == 1:
			trust.OIDCProviderARN = statement.Principal.Federated[0]
			_, issuer, _ := strings.Cut(trust.OIDCProviderARN, ":oidc-provider/")
			if audiences := equals[issuer+":aud"]; len(audiences) == 1 {
				trust.Audience = audiences[0]
			}
			for _, subject := range equals[issuer+":sub"] {
				namespace, name, _ := strings.Cut(strings.TrimPrefix(subject, "system:serviceaccount:"), ":")
				trust.ServiceAccounts = append(trust.ServiceAccounts, ServiceAccount{Namespace: namespace, Name: name})
			}
		case len(statement.Principal.Service) == 1:
			trust.PodIdentity = true
			for _, namespace := range equals[namespaceTag] {
				for _, name := range equals[serviceAccountTag] {
					trust.ServiceAccounts = append(trust.ServiceAccounts, ServiceAccount{Namespace: namespace, Name: name})
				}
			}
		}
	}
	return trust, trust.Check() == nil && SamePolicy(trust.Document(Account{}), text)
}

// Keeping is the trust with the audience that the policy found asks for, where the trust leaves it open. Only the audience of
// STS is kept: any other one would shut the service accounts out.
func (t TrustSpec) Keeping(found string) TrustSpec {
	if !t.KeepAudience || t.PodIdentity || t.Audience != "" {
		return t
	}
	if has, _ := ParseTrust(found); has.Audience == STSAudience {
		t.Audience = STSAudience
	}
	return t
}
