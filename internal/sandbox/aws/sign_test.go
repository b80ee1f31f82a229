package aws_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/agenda"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

func TestSignature_partitions(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-central-1":  "arn:aws:iam::123456789012:user/sandbox",
		"cn-north-1":    "arn:aws-cn:iam::123456789012:user/sandbox",
		"us-gov-west-1": "arn:aws-us-gov:iam::123456789012:user/sandbox",
	} {
		a := start(t, aws.Options{Region: region})
		equal(t, region, *do(t, a.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{}).Arn, want)
		do(t, a.iam.ListRoles, &iam.ListRolesInput{})
		do(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{})
	}
}

func TestSignature_wrongKeyAndRegion(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	stranger := clients(a.Server, aws.DefaultRegion, sdk.Credentials{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "x"})
	const invalid = "The security token included in the request is invalid."
	refused(t, stranger.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{}, "InvalidClientTokenId", invalid)
	refused(t, stranger.iam.ListRoles, &iam.ListRolesInput{}, "InvalidClientTokenId", invalid)
	refused(t, stranger.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{}, "UnrecognizedClientException", invalid)
	elsewhere := clients(a.Server, "eu-west-3", sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey})
	refused(t, elsewhere.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{}, "InvalidSignatureException",
		"Credential should be scoped to a valid region, not 'eu-west-3'.")
}

// IAM and STS are global, with one region for signatures; ECR is not.
func TestSignature_globalRegion(t *testing.T) {
	t.Parallel()
	for region, global := range map[string]string{"eu-central-1": "us-east-1", "cn-northwest-1": "cn-north-1", "us-gov-east-1": "us-gov-west-1"} {
		a := clients(start(t, aws.Options{Region: region}).Server, global, sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey})
		do(t, a.iam.ListRoles, &iam.ListRolesInput{})
		do(t, a.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{})
		refused(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{}, "InvalidSignatureException", global)
	}
}

// Requests that no SDK makes.
func TestSignature_byHand(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	credential := "AWS4-HMAC-SHA256 Credential=" + aws.AccessKeyID + "/20261122/us-east-1/"
	const rest = "/aws4_request, SignedHeaders=host;x-amz-date, Signature="
	for _, tc := range []struct {
		target, body, authorization string
		status                      int
		want                        string
	}{
		{"", "Action=ListRoles&Version=2010-05-08", "", http.StatusForbidden, "<Code>MissingAuthenticationToken</Code>"},
		{"DescribeRepositories", "{}", "", http.StatusBadRequest, `"__type":"MissingAuthenticationTokenException"`},
		{"DescribeRepositories", "{}", "AWS4-HMAC-SHA256 nonsense", http.StatusBadRequest, "IncompleteSignatureException"},
		{"DescribeRepositories", "{}", credential + "iam" + rest + strings.Repeat("0", 64), http.StatusBadRequest, "Credential should be scoped to correct service: 'ecr'."},
		{"DescribeRepositories", "{}", credential + "ecr" + rest + strings.Repeat("0", 64), http.StatusOK, `{"repositories":[]}`},
		{"DescribeRepositoryCreationTemplates", "{}", credential + "ecr" + rest + strings.Repeat("0", 64), http.StatusOK, `"repositoryCreationTemplates":[]`},
		{"DescribeRepositories", "[", credential + "ecr" + rest + strings.Repeat("0", 64), http.StatusBadRequest, "SerializationException"},
		{"DeleteRegistry", "{}", credential + "ecr" + rest + strings.Repeat("0", 64), http.StatusBadRequest, "UnknownOperationException"},
		{"", "Action=CreateUser&Version=2010-05-08", credential + "iam" + rest + strings.Repeat("0", 64), http.StatusBadRequest, "<Code>InvalidAction</Code>"},
		{"", "Action=ListRoles&Version=1999-01-01", "", http.StatusNotFound, "no such operation"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/", strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if tc.target != "" {
			request.Header.Set("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921."+tc.target)
		}
		if tc.authorization != "" {
			request.Header.Set("Authorization", tc.authorization)
			request.Header.Set("X-Amz-Date", "20261122T000000Z")
		}
		response, err := (&http.Client{}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || response.Body.Close() != nil || response.StatusCode != tc.status || !strings.Contains(string(body), tc.want) {
			t.Errorf("%s %s: status %d %s %v, want %d with %s", tc.target, tc.body, response.StatusCode, body, err, tc.status, tc.want)
		}
	}
}

func trustWith(principal, condition string) string {
	return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "` + principal + `"}` + condition + `}]}`
}

func createRole(t *testing.T, a *account, name, trust string) string {
	t.Helper()
	return *do(t, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust}).Role.Arn
}

// assume returns the clients of somebody who has assumed a role.
func (a *account) assume(t *testing.T, in *sts.AssumeRoleInput) *account {
	t.Helper()
	c := do(t, a.sts.AssumeRole, in).Credentials
	return clients(a.Server, aws.DefaultRegion, sdk.Credentials{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken,
	})
}

func TestAssumeRole_externalID(t *testing.T) {
	t.Parallel()
	clock := agenda.NewClock(time.Now())
	a := start(t, aws.Options{Clock: clock.Now})
	arn := createRole(t, a, "deployer", trustWith("arn:aws:iam::123456789012:root", `, "Condition": {"StringEquals": {"sts:ExternalId": "secret"}}`))
	in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: new("terraform"), ExternalId: new("secret"), DurationSeconds: new(int32(900))}
	deployer := a.assume(t, in)
	equal(t, "ARN", *do(t, deployer.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{}).Arn, "arn:aws:sts::123456789012:assumed-role/deployer/terraform")
	refused(t, deployer.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{}, "AccessDeniedException",
		"User: arn:aws:sts::123456789012:assumed-role/deployer/terraform is not authorized to perform: ecr:DescribeRepositories on resource: "+
			"arn:aws:ecr:us-east-1:123456789012:repository/* because no identity-based policy allows the ecr:DescribeRepositories action")
	do(t, a.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: new("deployer"), PolicyArn: new("arn:aws:iam::aws:policy/AdministratorAccess")})
	do(t, deployer.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{})
	token := do(t, deployer.ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{})
	equal(t, "a token dies with the session", token.AuthorizationData[0].ExpiresAt.Unix(), clock.Now().Add(15*time.Minute).Unix())

	wrong := *in
	wrong.ExternalId = new("guess")
	refused(t, a.sts.AssumeRole, &wrong, "AccessDenied",
		"User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: sts:AssumeRole on resource: "+arn)
	wrong.ExternalId, wrong.RoleArn = in.ExternalId, new("arn:aws:iam::123456789012:role/none")
	refused(t, a.sts.AssumeRole, &wrong, "AccessDenied", "sts:AssumeRole")
	wrong.RoleArn, wrong.DurationSeconds = in.RoleArn, new(int32(7200))
	refused(t, a.sts.AssumeRole, &wrong, "ValidationError", "exceeds the MaxSessionDuration")

	clock.Advance(15 * time.Minute)
	const expired = "The security token included in the request is expired"
	refused(t, deployer.iam.ListRoles, &iam.ListRolesInput{}, "ExpiredToken", expired)
	refused(t, deployer.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{}, "ExpiredTokenException", expired)
}

func TestAssumeRole_chain(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	first := createRole(t, a, "first", trustWith("arn:aws:iam::123456789012:user/sandbox", ""))
	second := createRole(t, a, "second", trustWith(first, ""))
	in := &sts.AssumeRoleInput{RoleArn: &second, RoleSessionName: new("s2")}
	refused(t, a.sts.AssumeRole, in, "AccessDenied", "sts:AssumeRole")
	chained := a.assume(t, &sts.AssumeRoleInput{RoleArn: &first, RoleSessionName: new("s1")}).assume(t, in)
	equal(t, "ARN", *do(t, chained.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{}).Arn, "arn:aws:sts::123456789012:assumed-role/second/s2")
}

// A role that was deleted and created anew is another one: the trust policy shows the identifier of the first, and trusts nobody.
func TestTrust_deletedPrincipal(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	first := createRole(t, a, "first", trustWith("123456789012", ""))
	id := *do(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: new("first")}).Role.RoleId
	createRole(t, a, "second", trustWith(first, ""))
	do(t, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new("first")})
	createRole(t, a, "first", trustWith("123456789012", ""))
	shown := do(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: new("second")}).Role.AssumeRolePolicyDocument
	if !strings.HasPrefix(id, "AROA") || !strings.Contains(*shown, id) || strings.Contains(*shown, "role%2Ffirst") {
		t.Errorf("trust %s, with the deleted role %s", *shown, id)
	}
	refused(t, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: new("third"), AssumeRolePolicyDocument: new(trustWith("arn:aws:iam::123456789012:role/none", ""))},
		"MalformedPolicyDocument", `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/none"`)
}

func TestDeny(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	a.Deny("arn:aws:iam::123456789012:user/*", false, "iam:CreateRole", "ecr:Put*")
	a.Deny("*", true, "iam:Delete*")
	refused(t, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: new("r"), AssumeRolePolicyDocument: new(trust)}, "AccessDenied",
		"User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::123456789012:role/r "+
			"because no identity-based policy allows the iam:CreateRole action")
	refused(t, a.iam.DeletePolicy, &iam.DeletePolicyInput{PolicyArn: new("arn:aws:iam::123456789012:policy/p")}, "AccessDenied",
		"on resource: arn:aws:iam::123456789012:policy/p with an explicit deny in an identity-based policy")
	refused(t, a.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/x"), LifecyclePolicyText: new(keepTen)}, "AccessDeniedException",
		"ecr:PutLifecyclePolicy on resource: arn:aws:ecr:us-east-1:123456789012:repository/ml/x because")
	refused(t, a.ecr.UntagResource, &ecr.UntagResourceInput{ResourceArn: new("arn:aws:ecr:us-east-1:123456789012:repository/ml/x"), TagKeys: []string{"a"}}, "RepositoryNotFoundException", "ml/x")
	a.Allow()
	createRole(t, a, "r", trust)
}
