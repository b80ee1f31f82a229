package awsregistry_test

import (
	"encoding/json"
	"reflect"
	"slices"
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
		"an audience":      {OIDCProviderARN: provider, ServiceAccounts: accounts, Audience: "sts.amazonaws.com"},
		"two namespaces":   {PodIdentity: true, ServiceAccounts: []awsregistry.ServiceAccount{{Namespace: "dev", Name: "tester"}, {Namespace: "prod", Name: "server"}, {Namespace: "prod", Name: "tester"}}},
	} {
		got, ok := awsregistry.ParseTrust(want.Document(awsregistry.Account{}))
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %t", name, got, ok)
		}
	}
	mixed := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"Service":"pods.eks.amazonaws.com"},"Condition":{"StringEquals":{"aws:RequestTag/kubernetes-namespace":["dev","prod"],"aws:RequestTag/kubernetes-service-account":["server","tester"]}}}]}`
	if got, ok := awsregistry.ParseTrust(mixed); !ok || len(got.ServiceAccounts) != 4 {
		t.Errorf("each name in each namespace: read as %+v, %t", got, ok)
	}
	for name, text := range map[string]string{
		"no policy":     "{",
		"everybody":     `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}`,
		"no condition":  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"` + provider + `"}}]}`,
		"two audiences": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"` + provider + `"},"Condition":{"StringEquals":{"oidc.example.com/id/1:sub":"system:serviceaccount:rime:a","oidc.example.com/id/1:aud":["sts.amazonaws.com","x"]}}}]}`,
	} {
		if got, ok := awsregistry.ParseTrust(text); ok {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}

// Pod Identity admits the service accounts that are listed, and no other combination of their namespaces and names, in whatever order the trust names them.
func TestPodIdentityTrust_admits(t *testing.T) {
	t.Parallel()
	listed := []awsregistry.ServiceAccount{{Namespace: "prod", Name: "server"}, {Namespace: "dev", Name: "tester"}, {Namespace: "dev", Name: "server"}, {Namespace: "dev", Name: "tester"}}
	trust := awsregistry.PodIdentityTrust(listed...)
	for _, namespace := range []string{"prod", "dev", "other"} {
		for _, name := range []string{"server", "tester", "other"} {
			want := slices.Contains(listed, awsregistry.ServiceAccount{Namespace: namespace, Name: name})
			if got := admits(t, trust, namespace, name); got != want {
				t.Errorf("%s:%s is admitted: %t", namespace, name, got)
			}
		}
	}
	slices.Reverse(listed)
	if reversed := awsregistry.PodIdentityTrust(listed...); reversed != trust {
		t.Errorf("%s is not %s", reversed, trust)
	}
	var turned struct {
		Version   string
		Statement []json.RawMessage
	}
	if err := json.Unmarshal([]byte(trust), &turned); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(turned.Statement)
	text, err := json.Marshal(turned)
	if err != nil || !awsregistry.SamePolicy(trust, string(text)) {
		t.Errorf("%s is another policy than %s: %v", text, trust, err)
	}
	if other := awsregistry.PodIdentityTrust(listed[1:3]...); awsregistry.SamePolicy(trust, other) {
		t.Errorf("%s is the same policy as %s", trust, other)
	}
}

// admits evaluates a trust as IAM does: one statement all of whose conditions are met is enough.
func admits(t *testing.T, trust, namespace, name string) bool {
	t.Helper()
	var parsed struct {
		Statement []struct {
			Condition struct{ StringEquals map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(trust), &parsed); err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{"aws:RequestTag/kubernetes-namespace": namespace, "aws:RequestTag/kubernetes-service-account": name}
	for _, statement := range parsed.Statement {
		met := true
		for key, allowed := range statement.Condition.StringEquals {
			list, ok := allowed.([]any)
			if !ok {
				list = []any{allowed}
			}
			met = met && slices.Contains(list, any(tags[key]))
		}
		if met {
			return true
		}
	}
	return false
}
