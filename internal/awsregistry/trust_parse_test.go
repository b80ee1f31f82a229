package awsregistry_test

import (
	"reflect"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

func TestParseTrust(t *testing.T) {
	t.Parallel()
	accounts := []awsregistry.ServiceAccount{{Namespace: "rime", Name: "a"}, {Namespace: "rime", Name: "b"}}
	provider := "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/1"
	for name, want := range map[string]awsregistry.TrustSpec{
		"irsa":             {OIDCProviderARN: provider, ServiceAccounts: accounts},
		"one account":      {OIDCProviderARN: provider, ServiceAccounts: accounts[:1]},
		"pod identity":     {PodIdentity: true, ServiceAccounts: accounts},
		"pod, no accounts": {PodIdentity: true},
	} {
		got, ok := awsregistry.ParseTrust(want.Document(awsregistry.Account{}))
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %t", name, got, ok)
		}
	}
	for name, text := range map[string]string{
		"no policy":       "{",
		"everybody":       `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}`,
		"no condition":    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"` + provider + `"}}]}`,
		"an audience too": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"` + provider + `"},"Condition":{"StringEquals":{"oidc.example.com/id/1:sub":"system:serviceaccount:rime:a","oidc.example.com/id/1:aud":"sts.amazonaws.com"}}}]}`,
	} {
		if got, ok := awsregistry.ParseTrust(text); ok {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}
