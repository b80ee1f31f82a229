package awsregistry_test

import (
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

func TestModuleNames(t *testing.T) {
	t.Parallel()
	want := awsregistry.Names{
		ServerRole: "eks_ecr_repo_manager_acme_rime", ServerPolicy: "eks_ecr_repo_management_policy_acme_rime",
		BuilderRole: "eks_ecr_image_builder_acme_rime", BuilderPolicy: "eks_ecr_image_builder_policy_acme_rime",
	}
	if got := awsregistry.ModuleNames("acme", "rime"); got != want {
		t.Errorf("%+v", got)
	}
	if got := awsregistry.ModuleNames("acme", ""); got.BuilderRole != "eks_ecr_image_builder_acme" {
		t.Errorf("%+v", got)
	}
	if got := awsregistry.ModuleNames("", ""); got.ServerRole != "eks_ecr_repo_manager" {
		t.Errorf("%+v", got)
	}
}

func TestServiceAccounts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		server, builder awsregistry.ServiceAccount
		want            string
	}{
		"module":                  two(awsregistry.ModuleServiceAccounts("acme", "ml")).want("system:serviceaccount:ml:rime-ml-image-registry-server"),
		"module, default":         two(awsregistry.ModuleServiceAccounts("acme", "default")).want("system:serviceaccount:default:rime-acme-image-registry-server"),
		"module, default, no end": two(awsregistry.ModuleServiceAccounts("", "default")).want("system:serviceaccount:default:rime-default-image-registry-server"),
		"chart":                   two(awsregistry.ChartServiceAccounts("rime", "ml")).want("system:serviceaccount:ml:rime-image-registry-server"),
		"chart, another name":     two(awsregistry.ChartServiceAccounts("acme", "ml")).want("system:serviceaccount:ml:acme-rime-image-registry-server"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.server.Subject() != test.want || test.builder.Subject() != test.want+"-job" {
				t.Errorf("%s, %s", test.server.Subject(), test.builder.Subject())
			}
		})
	}
}

type pair struct {
	server, builder awsregistry.ServiceAccount
}

func two(server, builder awsregistry.ServiceAccount) pair { return pair{server, builder} }

func (p pair) want(subject string) struct {
	server, builder awsregistry.ServiceAccount
	want            string
} {
	return struct {
		server, builder awsregistry.ServiceAccount
		want            string
	}{p.server, p.builder, subject}
}

func TestEffectivePrefix(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, suffix, namespace, want string }{
		{"rime-managed-images", "acme", "rime", "rime-managed-images/acme/rime"},
		{"ml/", "", "", "ml"},
		{"", "", "", ""},
		{"ml", "", "ns", "ml/ns"},
	} {
		if got := awsregistry.EffectivePrefix(test.base, test.suffix, test.namespace); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	prefix := func(text string) *awsregistry.InputError { return awsregistry.CheckPrefix(text) }
	path := func(text string) *awsregistry.InputError { return awsregistry.CheckRolePath(text) }
	suffix := func(text string) *awsregistry.InputError { return awsregistry.CheckNaming(text, "") }
	namespace := func(text string) *awsregistry.InputError { return awsregistry.CheckNaming("", text) }
	role := func(text string) *awsregistry.InputError {
		return awsregistry.CheckNames(awsregistry.Names{ServerRole: "r", ServerPolicy: "p", BuilderRole: text, BuilderPolicy: "q"})
	}
	policy := func(text string) *awsregistry.InputError {
		return awsregistry.CheckNames(awsregistry.Names{ServerRole: "r", ServerPolicy: "p", BuilderRole: "s", BuilderPolicy: text})
	}
	boundary := func(text string) *awsregistry.InputError { return awsregistry.CheckPermissionsBoundary(text) }
	key := func(text string) *awsregistry.InputError { return awsregistry.CheckTags(map[string]string{text: "x"}) }
	value := func(text string) *awsregistry.InputError { return awsregistry.CheckTags(map[string]string{"x": text}) }
	for _, test := range []struct {
		what  string
		check func(string) *awsregistry.InputError
		text  string
		good  bool
		// suggestion is what the error proposes.
		suggestion string
	}{
		{"prefix", prefix, "ml/team-a_b", true, ""},
		{"prefix", prefix, "", true, ""},
		{"prefix", prefix, "ML/", false, `write "ml"`},
		{"prefix", prefix, "1ml", false, ""},
		{"prefix", prefix, "ml//x", false, ""},
		{"prefix", prefix, "ml*", false, ""},
		{"prefix", prefix, strings.Repeat("a", 192), true, ""},
		{"prefix", prefix, strings.Repeat("a", 193), false, "shorten it to 192 characters"},
		{"path", path, "/", true, ""},
		{"path", path, "/team/ml/", true, ""},
		{"path", path, "team/ml", false, `write "/team/ml/"`},
		{"path", path, "", false, ""},
		{"suffix", suffix, "prod-1.2", true, ""},
		{"suffix", suffix, strings.Repeat("a", 26), false, ""},
		{"suffix", suffix, "a..b", false, ""},
		{"suffix", suffix, "Prod", false, ""},
		{"namespace", namespace, "ml-team", true, ""},
		{"namespace", namespace, "ml_team", false, ""},
		{"role", role, strings.Repeat("r", 64), true, ""},
		{"role", role, strings.Repeat("r", 65), false, "shorten the suffix or the namespace, or give the name yourself"},
		{"role", role, "a role", false, ""},
		{"role", role, "R", false, "give the two different names"},
		{"policy", policy, "r", true, ""},
		{"policy", policy, "p", false, "give the two different names"},
		{"boundary", boundary, "arn:aws:iam::aws:policy/PowerUserAccess", true, ""},
		{"boundary", boundary, "arn:aws-cn:iam::123456789012:policy/team/limit", true, ""},
		{"boundary", boundary, "limit", false, ""},
		{"key", key, "team/cost center", true, ""},
		{"key", key, "", false, ""},
		{"key", key, "AWS:x", false, ""},
		{"key", key, "a;b", false, ""},
		{"key", key, awsregistry.OwnershipTag, false, ""},
		{"value", value, "", true, ""},
		{"value", value, strings.Repeat("é", 257), false, ""},
	} {
		problem := test.check(test.text)
		if (problem == nil) != test.good || problem != nil && (problem.Suggestion != test.suggestion || problem.Text != test.text) {
			t.Errorf("%s %q: %+v", test.what, test.text, problem)
		}
	}
	// The module's rule leaves 41 characters for suffix and namespace.
	if problem := awsregistry.CheckNames(awsregistry.ModuleNames(strings.Repeat("s", 25), strings.Repeat("n", 16))); problem != nil {
		t.Error(problem)
	}
	if problem := awsregistry.CheckNames(awsregistry.ModuleNames(strings.Repeat("s", 25), strings.Repeat("n", 17))); problem == nil {
		t.Error("a role name of 65 characters")
	}
}

func TestRepositorySettings_check(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		settings awsregistry.RepositorySettings
		field    awsregistry.Field
	}{
		"nothing":            {awsregistry.RepositorySettings{}, ""},
		"immutable":          {awsregistry.RepositorySettings{TagMutability: "IMMUTABLE"}, ""},
		"with exclusions":    {awsregistry.RepositorySettings{TagMutability: "IMMUTABLE_WITH_EXCLUSION", Exclusions: []string{"rime-*"}}, ""},
		"without exclusions": {awsregistry.RepositorySettings{TagMutability: "IMMUTABLE_WITH_EXCLUSION"}, awsregistry.FieldExclusions},
		"exclusions of none": {awsregistry.RepositorySettings{TagMutability: "IMMUTABLE", Exclusions: []string{"rime-*"}}, awsregistry.FieldExclusions},
		"six exclusions":     {awsregistry.RepositorySettings{TagMutability: "MUTABLE_WITH_EXCLUSION", Exclusions: strings.Split("abcdef", "")}, awsregistry.FieldExclusions},
		"three wildcards":    {awsregistry.RepositorySettings{TagMutability: "MUTABLE_WITH_EXCLUSION", Exclusions: []string{"a*b*c*"}}, awsregistry.FieldExclusions},
		"unknown mutability": {awsregistry.RepositorySettings{TagMutability: "immutable"}, awsregistry.FieldTagMutability},
		"KMS":                {awsregistry.RepositorySettings{Encryption: &awsregistry.Encryption{Type: "KMS"}}, ""},
		"unknown encryption": {awsregistry.RepositorySettings{Encryption: &awsregistry.Encryption{Type: "aes"}}, awsregistry.FieldEncryption},
		"a key for AES256":   {awsregistry.RepositorySettings{Encryption: &awsregistry.Encryption{Type: "AES256", KMSKey: "alias/x"}}, awsregistry.FieldEncryption},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problem := test.settings.Check()
			if (problem == nil) != (test.field == "") || problem != nil && problem.Field != test.field {
				t.Errorf("%v", problem)
			}
		})
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]struct {
		partition awsregistry.Partition
		url       string
	}{
		"us-east-1":      {"aws", "123456789012.dkr.ecr.us-east-1.amazonaws.com"},
		"cn-north-1":     {"aws-cn", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"},
		"us-gov-west-1":  {"aws-us-gov", "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com"},
		"us-iso-east-1":  {"aws-iso", "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov"},
		"us-isob-east-1": {"aws-iso-b", "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov"},
		"eusc-de-east-1": {"aws-eusc", "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu"},
	} {
		account := awsregistry.Account{ID: "123456789012", Region: region, Partition: awsregistry.PartitionOf(region)}
		if account.Partition != want.partition || account.RegistryURL() != want.url {
			t.Errorf("%s: %s, %s", region, account.Partition, account.RegistryURL())
		}
		if parsed, ok := awsregistry.ParseRegistryURL(want.url); !ok || parsed != account {
			t.Errorf("%s: %+v", want.url, parsed)
		}
	}
	for _, host := range []string{
		"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "123456789012.dkr-ecr.us-east-1.on.aws", "123456789012.dkr-ecr-fips.us-east-1.on.aws",
	} {
		if twin, ok := awsregistry.ParseRegistryURL(host); !ok || twin != (awsregistry.Account{ID: "123456789012", Region: "us-east-1", Partition: "aws"}) {
			t.Errorf("%s is the registry of %+v", host, twin)
		}
	}
	for _, host := range []string{"docker.io", "123456789012.dkr-ecr.us-east-1.amazonaws.com", "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.test", "x123456789012.dkr.ecr.us-east-1.amazonaws.com", "public.ecr.aws"} {
		if account, ok := awsregistry.ParseRegistryURL(host); ok {
			t.Errorf("%s: %+v", host, account)
		}
	}
	for _, test := range []struct {
		prefix, repository string
		want               bool
	}{{"ml", "ml/x", true}, {"ml", "ml-other/x", false}, {"ml", "ml", false}, {"ml/", "ml/x", true}, {"", "anything", true}, {"ml/a", "ml/ab", false}} {
		if got := awsregistry.Covers(test.prefix, test.repository); got != test.want {
			t.Errorf("%+v: %t", test, got)
		}
	}
}
