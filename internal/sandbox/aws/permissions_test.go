package aws_test

import (
	"net/http"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

const (
	builderSubject = "system:serviceaccount:default:rime-builder"
	oidcURL        = "oidc.eks.us-east-1.amazonaws.com/id/5A4DB0C0FFEE5A4DB0C0FFEE5A4DB0C0"
	builderTrust   = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
		"Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/` + oidcURL + `"},
		"Condition": {"StringEquals": {"` + oidcURL + `:sub": ["` + builderSubject + `"], "` + oidcURL + `:aud": "sts.amazonaws.com"}}}]}`
	builderPermissions = `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Resource": "arn:aws:ecr:us-east-1:123456789012:repository/ml/*", "Action": ["ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability",
			"ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]},
		{"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}]}`
)

// A service account becomes the builder by its trust policy, and may do what its policy says: push below the prefix, and nothing else.
func TestPermissions_ofAServiceAccount(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	createRepository(t, a, "ml-other/x")
	arn := createRole(t, a, "builder", builderTrust)
	p := do(t, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("builder"), PolicyDocument: new(builderPermissions)}).Policy.Arn
	do(t, a.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: new("builder"), PolicyArn: p})

	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &arn, RoleSessionName: new("pod"), WebIdentityToken: new(a.WebIdentityToken(aws.DefaultOIDCProvider, builderSubject, "sts.amazonaws.com")),
	}
	out := do(t, a.sts.AssumeRoleWithWebIdentity, in)
	equal(t, "subject", *out.SubjectFromWebIdentityToken, builderSubject)
	builder := clients(a.Server, aws.DefaultRegion, sdk.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken,
	})
	login := builder.login(t)
	if err := builder.push(t, "ml/x:1", newImage(t), login); err != nil {
		t.Error(err)
	}
	if err := builder.push(t, "ml-other/x:1", newImage(t), login); err == nil {
		t.Error("pushed outside of the prefix")
	}
	refused(t, builder.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"ml/x"}}, "AccessDeniedException", "repository/ml/x because no")
	refused(t, builder.iam.GetRole, &iam.GetRoleInput{RoleName: new("builder")}, "AccessDenied", "iam:GetRole on resource: "+arn)

	for subject, issuer := range map[string]string{"system:serviceaccount:default:other": aws.DefaultOIDCProvider, builderSubject: "https://oidc.example.com"} {
		in.WebIdentityToken = new(a.WebIdentityToken(issuer, subject, "sts.amazonaws.com"))
		code, message := "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"
		if issuer != aws.DefaultOIDCProvider {
			code, message = "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://oidc.example.com"
		}
		refused(t, a.sts.AssumeRoleWithWebIdentity, in, code, message)
	}
	in.WebIdentityToken = new(a.WebIdentityToken(aws.DefaultOIDCProvider, builderSubject, "someone-else"))
	refused(t, a.sts.AssumeRoleWithWebIdentity, in, "AccessDenied", "Not authorized")
	in.WebIdentityToken = new("text")
	refused(t, a.sts.AssumeRoleWithWebIdentity, in, "InvalidIdentityToken", "not a valid JWT")
}

func TestPermissions_denyAndBoundary(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	arn := createRole(t, a, "r", trust)
	session := a.assume(t, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: new("s1")})
	list := &ecr.DescribeRepositoriesInput{}
	boundary := createPolicy(t, a, "boundary") // ecr:GetAuthorizationToken alone
	do(t, a.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: new("r"), PolicyArn: new("arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryFullAccess")})
	do(t, session.ecr.DescribeRepositories, list)
	refused(t, session.iam.ListRoles, &iam.ListRolesInput{}, "AccessDenied", "iam:ListRoles on resource: *")
	do(t, a.iam.PutRolePermissionsBoundary, &iam.PutRolePermissionsBoundaryInput{RoleName: new("r"), PermissionsBoundary: boundary})
	refused(t, session.ecr.DescribeRepositories, list, "AccessDeniedException", "because no identity-based policy")
	do(t, session.ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{})
	deny := `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "ecr:*", "Resource": "*"}}`
	do(t, a.iam.CreatePolicyVersion, &iam.CreatePolicyVersionInput{PolicyArn: boundary, PolicyDocument: &deny, SetAsDefault: true})
	refused(t, session.ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{}, "AccessDeniedException", "with an explicit deny")
	do(t, a.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: new("arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryFullAccess")})
	do(t, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new("r")})
	refused(t, session.ecr.DescribeRepositories, list, "AccessDeniedException", "because no identity-based policy")
	do(t, session.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{})
}

// A token of the registry has the permissions of who got it, when it is used.
func TestPermissions_ofTokens(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	login := a.login(t)
	a.Deny("*", false, "ecr:PutImage")
	refusedByRegistry(t, a.push(t, "ml/x:1", newImage(t), login), http.StatusForbidden, "DENIED", "is not authorized to perform: ecr:PutImage on resource")
}
