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

// ParseTrust reads a trust policy back into what it was made of, and tells whether that is one this package makes: what [TrustSpec.Document] returns for the result
// means the same as the text.
func ParseTrust(text string) (TrustSpec, bool) {
	var parsed struct {
		Statement []struct {
			Principal struct{ Federated, Service oneOrMany }
			Condition map[string]map[string]oneOrMany
		}
	}
	if json.Unmarshal([]byte(Unescape(text)), &parsed) != nil || len(parsed.Statement) != 1 {
		return TrustSpec{}, false
	}
	statement := parsed.Statement[0]
	equals := statement.Condition["StringEquals"]
	var trust TrustSpec
	switch {
	case len(statement.Principal.Federated) == 1:
		trust.OIDCProviderARN = statement.Principal.Federated[0]
		_, issuer, _ := strings.Cut(trust.OIDCProviderARN, ":oidc-provider/")
		for _, subject := range equals[issuer+":sub"] {
			namespace, name, _ := strings.Cut(strings.TrimPrefix(subject, "system:serviceaccount:"), ":")
			trust.ServiceAccounts = append(trust.ServiceAccounts, ServiceAccount{Namespace: namespace, Name: name})
		}
	case len(statement.Principal.Service) == 1:
		trust.PodIdentity = true
		names := equals["aws:RequestTag/kubernetes-service-account"]
		for _, namespace := range equals["aws:RequestTag/kubernetes-namespace"] {
			for _, name := range names {
				trust.ServiceAccounts = append(trust.ServiceAccounts, ServiceAccount{Namespace: namespace, Name: name})
			}
		}
	}
	return trust, trust.Check() == nil && SamePolicy(trust.Document(Account{}), text)
}
