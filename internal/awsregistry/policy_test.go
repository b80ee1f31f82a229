package awsregistry_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// evaluator decides about requests as IAM does, from the text of a policy alone.
type evaluator struct {
	Statement []struct {
		Effect   string
		Action   oneOrMore
		Resource oneOrMore
	}
}

type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

func newEvaluator(t *testing.T, text string) evaluator {
	t.Helper()
	var e evaluator
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// patterns are the expressions of IAM's patterns that were compiled already: each is asked thousands of times.
var patterns sync.Map

// allows tells whether the action on the resource is allowed: IAM's "*" is any text, "/" and ":" included, and actions know no case.
func (e evaluator) allows(action, resource string) bool {
	like := func(pattern, text string) bool {
		expression, ok := patterns.Load(pattern)
		if !ok {
			text := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
			expression, _ = patterns.LoadOrStore(pattern, regexp.MustCompile(`(?s)\A`+text+`\z`))
		}
		return expression.(*regexp.Regexp).MatchString(text) // nothing else is stored
	}
	allowed := false
	for _, s := range e.Statement {
		matches := slices.ContainsFunc(s.Action, func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(action)) }) &&
			slices.ContainsFunc(s.Resource, func(pattern string) bool { return like(pattern, resource) })
		if matches && s.Effect == "Deny" {
			return false
		}
		allowed = allowed || matches
	}
	return allowed
}

// ecrActions are all of ECR's (service authorization reference), and some of others.
var ecrActions = strings.Fields(`BatchCheckLayerAvailability BatchDeleteImage BatchGetImage BatchGetRepositoryScanningConfiguration BatchImportUpstreamImage
	CompleteLayerUpload CreatePullThroughCacheRule CreateRepository CreateRepositoryCreationTemplate DeleteLifecyclePolicy DeletePullThroughCacheRule
	DeleteRegistryPolicy DeleteRepository DeleteRepositoryCreationTemplate DeleteRepositoryPolicy DescribeImageReplicationStatus DescribeImages
	DescribeImageScanFindings DescribePullThroughCacheRules DescribeRegistry DescribeRepositories DescribeRepositoryCreationTemplates GetAccountSetting
	GetAuthorizationToken GetDownloadUrlForLayer GetLifecyclePolicy GetLifecyclePolicyPreview GetRegistryPolicy GetRegistryScanningConfiguration
	GetRepositoryPolicy InitiateLayerUpload ListImages ListTagsForResource PutAccountSetting PutImage PutImageScanningConfiguration PutImageTagMutability
	PutLifecyclePolicy PutRegistryPolicy PutRegistryScanningConfiguration PutReplicationConfiguration ReplicateImage SetRepositoryPolicy StartImageScan
	StartLifecyclePolicyPreview TagResource UntagResource UpdatePullThroughCacheRule UpdateRepositoryCreationTemplate UploadLayerPart ValidatePullThroughCacheRule`)

// What is documented (internal/rime/CONTRACT.md §5.3), written down again.
var (
	documentedServer  = strings.Fields("CreateRepository DeleteRepository DescribeImages DescribeRepositories PutLifecyclePolicy ListImages")
	documentedBuilder = strings.Fields("BatchGetImage BatchCheckLayerAvailability CompleteLayerUpload GetDownloadUrlForLayer InitiateLayerUpload PutImage UploadLayerPart")
)

// The policies allow exactly what is documented, on what is under the prefix and on nothing else.
func TestPolicies_leastPrivilege(t *testing.T) {
	t.Parallel()
	for _, account := range []awsregistry.Account{
		{ID: "123456789012", Region: "us-east-1", Partition: awsregistry.PartitionAWS},
		{ID: "123456789012", Region: "cn-north-1", Partition: awsregistry.PartitionChina},
		{ID: "123456789012", Region: "us-gov-west-1", Partition: awsregistry.PartitionGov},
	} {
		for _, prefix := range []string{"ml", "ml/team", ""} {
			for name, test := range map[string]struct {
				text       string
				documented []string
			}{
				"server":  {awsregistry.RegistryServerPolicy(account, prefix), documentedServer},
				"builder": {awsregistry.ImageBuilderPolicy(account, prefix), documentedBuilder},
			} {
				t.Run(fmt.Sprintf("%s, %q, %s", name, prefix, account.Partition), func(t *testing.T) {
					t.Parallel()
					checkLeastPrivilege(t, newEvaluator(t, test.text), account, prefix, test.documented)
				})
			}
		}
	}
}

func checkLeastPrivilege(t *testing.T, e evaluator, account awsregistry.Account, prefix string, documented []string) {
	t.Helper()
	arn := fmt.Sprintf("arn:%s:ecr:%s:%s:", account.Partition, account.Region, account.ID)
	// Resources, and whether they are under the prefix.
	resources := map[string]bool{
		arn + "repository/" + strings.Trim(prefix+"/x", "/"):     true,
		arn + "repository/" + strings.Trim(prefix+"/x/y-z", "/"): true,
		arn + "repository/" + prefix:                             false,
		arn + "repository/" + prefix + "-other/x":                prefix == "",
		arn + "repository/x" + prefix + "/x":                     prefix == "",
		arn + "repository/other/" + prefix + "/x":                prefix == "",
		arn + "repository/":                                      prefix == "",
		arn + "registry":                                         false,
		"arn:aws:s3:::bucket":                                    false,
		strings.Replace(arn, account.ID, "210987654321", 1) + "repository/" + prefix + "/x":     false,
		strings.Replace(arn, account.Region, "eu-central-1", 1) + "repository/" + prefix + "/x": false,
		"*": false,
	}
	if prefix == "" {
		resources[arn+"repository/"] = true // IAM's pattern covers it; ECR has no such name.
	}
	actions := []string{"iam:CreateRole", "s3:GetObject", "sts:AssumeRole", "ecr-public:PutImage"}
	for _, action := range ecrActions {
		actions = append(actions, "ecr:"+action)
	}
	for _, action := range actions {
		for resource, under := range resources {
			want := action == "ecr:GetAuthorizationToken" || under && slices.Contains(documented, strings.TrimPrefix(action, "ecr:"))
			if got := e.allows(action, resource); got != want {
				t.Errorf("%s on %s: %t", action, resource, got)
			}
		}
	}
}

func TestTrust(t *testing.T) {
	t.Parallel()
	account := awsregistry.Account{ID: "123456789012", Region: "us-gov-west-1", Partition: awsregistry.PartitionGov}
	pods := []awsregistry.ServiceAccount{{Namespace: "b", Name: "y"}, {Namespace: "a", Name: "x"}, {Namespace: "b", Name: "x"}}
	for name, test := range map[string]struct {
		trust awsregistry.TrustSpec
		want  string
	}{
		"IRSA by URL": {
			awsregistry.TrustSpec{OIDCProviderURL: "https://oidc.test/id/A/", ServiceAccounts: pods[:1]},
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws-us-gov:iam::123456789012:oidc-provider/oidc.test/id/A"},` +
				`"Action":["sts:AssumeRoleWithWebIdentity"],"Condition":{"StringEquals":{"oidc.test/id/A:sub":"system:serviceaccount:b:y"}}}]}`,
		},
		"IRSA by ARN": {
			awsregistry.TrustSpec{OIDCProviderARN: "arn:aws:iam::210987654321:oidc-provider/oidc.test/id/B", ServiceAccounts: pods},
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::210987654321:oidc-provider/oidc.test/id/B"},` +
				`"Action":["sts:AssumeRoleWithWebIdentity"],"Condition":{"StringEquals":{"oidc.test/id/B:sub":["system:serviceaccount:a:x","system:serviceaccount:b:x","system:serviceaccount:b:y"]}}}]}`,
		},
		"IRSA for an audience": {
			awsregistry.TrustSpec{OIDCProviderARN: "arn:aws:iam::210987654321:oidc-provider/oidc.test/id/B", Audience: awsregistry.STSAudience, ServiceAccounts: pods[:1]},
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::210987654321:oidc-provider/oidc.test/id/B"},` +
				`"Action":["sts:AssumeRoleWithWebIdentity"],"Condition":{"StringEquals":{"oidc.test/id/B:aud":"sts.amazonaws.com","oidc.test/id/B:sub":"system:serviceaccount:b:y"}}}]}`,
		},
		"EKS Pod Identity": {
			awsregistry.TrustSpec{PodIdentity: true, ServiceAccounts: pods},
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"],` +
				`"Condition":{"StringEquals":{"aws:RequestTag/kubernetes-namespace":"a","aws:RequestTag/kubernetes-service-account":"x"}}},` +
				`{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"],` +
				`"Condition":{"StringEquals":{"aws:RequestTag/kubernetes-namespace":"b","aws:RequestTag/kubernetes-service-account":["x","y"]}}}]}`,
		},
		"EKS Pod Identity, by its associations": {
			awsregistry.TrustSpec{PodIdentity: true},
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if problem := test.trust.Check(); problem != nil {
				t.Error(problem)
			}
			if got := test.trust.Document(account); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestTrustSpec_check(t *testing.T) {
	t.Parallel()
	who := []awsregistry.ServiceAccount{{Namespace: "a", Name: "x"}}
	for name, test := range map[string]struct {
		trust awsregistry.TrustSpec
		field awsregistry.Field
	}{
		"nothing":          {awsregistry.TrustSpec{ServiceAccounts: who}, awsregistry.FieldOIDCProviderARN},
		"two ways":         {awsregistry.TrustSpec{PodIdentity: true, OIDCProviderURL: "oidc.test/id", ServiceAccounts: who}, awsregistry.FieldOIDCProviderARN},
		"a URL as ARN":     {awsregistry.TrustSpec{OIDCProviderARN: "https://oidc.test/id", ServiceAccounts: who}, awsregistry.FieldOIDCProviderARN},
		"an ARN as URL":    {awsregistry.TrustSpec{OIDCProviderURL: "arn:aws:iam::123456789012:oidc-provider/oidc.test", ServiceAccounts: who}, awsregistry.FieldOIDCProviderURL},
		"nobody":           {awsregistry.TrustSpec{OIDCProviderURL: "oidc.test/id"}, awsregistry.FieldServiceAccounts},
		"everybody":        {awsregistry.TrustSpec{OIDCProviderURL: "oidc.test/id", ServiceAccounts: []awsregistry.ServiceAccount{{Namespace: "a", Name: "*"}}}, awsregistry.FieldServiceAccounts},
		"pods' audience":   {awsregistry.TrustSpec{PodIdentity: true, Audience: "x", ServiceAccounts: who}, awsregistry.FieldOIDCAudience},
		"another case":     {awsregistry.TrustSpec{OIDCProviderURL: "oidc.test/id", Audience: "STS.amazonaws.com", ServiceAccounts: who}, awsregistry.FieldOIDCAudience},
		"a blank before":   {awsregistry.TrustSpec{OIDCProviderURL: "oidc.test/id", Audience: " sts.amazonaws.com", ServiceAccounts: who}, awsregistry.FieldOIDCAudience},
		"a blank within":   {awsregistry.TrustSpec{OIDCProviderURL: "oidc.test/id", Audience: "my audience", ServiceAccounts: who}, awsregistry.FieldOIDCAudience},
		"without its name": {awsregistry.TrustSpec{PodIdentity: true, ServiceAccounts: []awsregistry.ServiceAccount{{Namespace: "a"}}}, awsregistry.FieldServiceAccounts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if problem := test.trust.Check(); problem == nil || problem.Field != test.field || problem.Suggestion == "" {
				t.Errorf("%v", problem)
			}
		})
	}
}

func TestSamePolicy(t *testing.T) {
	t.Parallel()
	ours := awsregistry.ServiceAccountTrust("arn:aws:iam::123456789012:oidc-provider/oidc.test/id", "", "system:serviceaccount:a:x")
	policy := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	allow := func(actions, resources, more string) string {
		return `{"Effect":"Allow","Action":` + actions + `,"Resource":` + resources + more + `}`
	}
	const both, one, other = `["ecr:ListImages","ecr:PutImage"]`, `"ecr:ListImages"`, `"ecr:PutImage"`
	when := func(operator, values string) string {
		return `,"Condition":{"` + operator + `":{"aws:RequestTag/x":` + values + `}}`
	}
	for name, test := range map[string]struct {
		other string
		same  bool
	}{
		"itself":            {ours, true},
		"escaped":           {strings.NewReplacer(`"`, "%22", "{", "%7B", "}", "%7D", ":", "%3A", "/", "%2F", ",", "%2C").Replace(ours), true},
		"lists and spacing": {`{"Statement":{"Sid":"","Principal":{"Federated":["arn:aws:iam::123456789012:oidc-provider/oidc.test/id"]},"Effect":"Allow","Condition":{"StringEquals":{"oidc.test/id:sub":["system:serviceaccount:a:x"]}},"Action":"sts:AssumeRoleWithWebIdentity"},"Version":"2012-10-17"}`, true},
		"another subject":   {strings.Replace(ours, "a:x", "a:y", 1), false},
		"a condition less":  {strings.Replace(ours, `"StringEquals"`, `"StringLike"`, 1), false},
		"a deleted role":    {strings.Replace(ours, "arn:aws:iam::123456789012:oidc-provider/oidc.test/id", "AROAEXAMPLE", 1), false},
		"no policy":         {"%zz", false},
		"nothing":           {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := awsregistry.SamePolicy(ours, test.other); got != test.same {
				t.Errorf("got %t", got)
			}
		})
	}
	for name, test := range map[string]struct {
		a, b string
		same bool
	}{
		"Sid":                       {policy(allow(one, `"*"`, ``)), policy(allow(one, `"*"`, `,"Sid":"One"`)), true},
		"Id":                        {policy(allow(one, `"*"`, ``)), `{"Id":"x",` + policy(allow(one, `"*"`, ``))[1:], true},
		"case of actions":           {policy(allow(both, `"*"`, ``)), policy(allow(strings.ToUpper(both), `"*"`, ``)), true},
		"case of resources":         {policy(allow(one, `"arn:a"`, ``)), policy(allow(one, `"arn:A"`, ``)), false},
		"repeated actions":          {policy(allow(one, `"*"`, ``)), policy(allow(`["ecr:ListImages","ecr:ListImages"]`, `["*","*"]`, ``)), true},
		"repeated statements":       {policy(allow(one, `"*"`, ``)), policy(allow(one, `"*"`, ``), allow(one, `"*"`, ``)), true},
		"a statement per action":    {policy(allow(both, `"*"`, ``)), policy(allow(other, `"*"`, ``), allow(one, `"*"`, ``)), true},
		"a statement per resource":  {policy(allow(one, `["a","b"]`, ``)), policy(allow(one, `"b"`, ``), allow(one, `"a"`, ``)), true},
		"crosswise":                 {policy(allow(both, `["a","b"]`, ``)), policy(allow(one, `"a"`, ``), allow(other, `"b"`, ``)), false},
		"an action less":            {policy(allow(both, `"*"`, ``)), policy(allow(one, `"*"`, ``)), false},
		"denied":                    {policy(allow(one, `"*"`, ``)), strings.Replace(policy(allow(one, `"*"`, ``)), "Allow", "Deny", 1), false},
		"excepted, in two":          {policy(`{"Effect":"Allow","NotAction":` + both + `,"Resource":"*"}`), policy(`{"Effect":"Allow","NotAction":`+one+`,"Resource":"*"}`, `{"Effect":"Allow","NotAction":`+other+`,"Resource":"*"}`), false},
		"excepted, in any order":    {policy(`{"Effect":"Allow","NotAction":["b:X","a:Y"],"Resource":"*"}`), policy(`{"Effect":"Allow","Resource":"*","NotAction":["a:y","b:x"]}`), true},
		"one object":                {policy(allow(one, `"*"`, ``)), `{"Version":"2012-10-17","Statement":` + allow(`[`+one+`]`, `["*"]`, ``) + `}`, true},
		"split by a value":          {policy(allow(one, `"*"`, when("StringEquals", `["a","b"]`))), policy(allow(one, `"*"`, when("StringEquals", `"b"`)), allow(one, `"*"`, when("StringEquals", `["a"]`))), true},
		"split by an exception":     {policy(allow(one, `"*"`, when("StringNotEquals", `["a","b"]`))), policy(allow(one, `"*"`, when("StringNotEquals", `"b"`)), allow(one, `"*"`, when("StringNotEquals", `"a"`))), false},
		"another operator":          {policy(allow(one, `"*"`, when("StringEquals", `"a"`))), policy(allow(one, `"*"`, when("StringLike", `"a"`))), false},
		"case of a key":             {policy(allow(one, `"*"`, when("StringEquals", `"a"`))), strings.Replace(policy(allow(one, `"*"`, when("StringEquals", `"a"`))), "RequestTag", "requesttag", 1), true},
		"case of a value":           {policy(allow(one, `"*"`, when("StringEquals", `"a"`))), policy(allow(one, `"*"`, when("StringEquals", `"A"`))), false},
		"no condition":              {policy(allow(one, `"*"`, when("StringEquals", `"a"`))), policy(allow(one, `"*"`, ``)), false},
		"a truth in quotes":         {policy(allow(one, `"*"`, when("Bool", `true`))), policy(allow(one, `"*"`, when("Bool", `["true"]`))), true},
		"older version":             {policy(allow(one, `"*"`, ``)), strings.Replace(policy(allow(one, `"*"`, ``)), "2012-10-17", "2008-10-17", 1), true},
		"older, with a variable":    {policy(allow(one, `"${aws:x}"`, ``)), strings.Replace(policy(allow(one, `"${aws:x}"`, ``)), "2012-10-17", "2008-10-17", 1), false},
		"account and its root":      {policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"123456789012"}}`), policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":["arn:aws:iam::123456789012:root"]}}`), true},
		"anybody":                   {policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"}`), policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}`), true},
		"another kind of principal": {policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"x"}}`), policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Federated":"x"}}`), false},
		"something new":             {policy(allow(one, `"*"`, ``)), policy(allow(one, `"*"`, `,"Novelty":"x"`)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := awsregistry.SamePolicy(test.a, test.b); got != test.same {
				t.Errorf("got %t", got)
			}
			if got := awsregistry.SamePolicy(test.b, test.a); got != test.same {
				t.Errorf("the other way round: %t", got)
			}
		})
	}
	if !awsregistry.SamePolicy("", "") {
		t.Error("nothing is not the same as nothing")
	}
}

func TestHelmValues(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values awsregistry.HelmValues
		want   string
	}{
		"off": {awsregistry.HelmValues{RegistryID: "123456789012"}, "rime:\n  imageRegistryServer:\n    enabled: false\n"},
		"IRSA": {
			awsregistry.HelmValues{Enabled: true, RegistryID: "012345678901", RepositoryPrefix: "ml/prod", ServerRoleARN: "arn:aws:iam::012345678901:role/s", BuilderRoleARN: "arn:aws:iam::012345678901:role/b"},
			`rime:
  imageRegistryServer:
    enabled: true
    config:
      imageRegistry:
        ecr:
          registryID: "012345678901"
          repositoryPrefix: "ml/prod"
    serviceAccount:
      annotations:
        eks.amazonaws.com/role-arn: "arn:aws:iam::012345678901:role/s"
    imageRegistryJob:
      serviceAccount:
        annotations:
          eks.amazonaws.com/role-arn: "arn:aws:iam::012345678901:role/b"
`,
		},
		"EKS Pod Identity": {
			awsregistry.HelmValues{Enabled: true, RegistryID: "012345678901", RepositoryPrefix: "ml"},
			"rime:\n  imageRegistryServer:\n    enabled: true\n    config:\n      imageRegistry:\n        ecr:\n          registryID: \"012345678901\"\n          repositoryPrefix: \"ml\"\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, test.values.YAML()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
