package aws_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// account is a simulated account with the SDK's own clients, of its first user.
type account struct {
	*aws.Server
	ecr *ecr.Client
	iam *iam.Client
	sts *sts.Client
}

func start(t *testing.T, o aws.Options) *account {
	t.Helper()
	s, err := aws.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	region := o.Region
	if region == "" {
		region = aws.DefaultRegion
	}
	return clients(s, region, sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey})
}

// clients are the SDK's clients with these credentials. They try once, so that a test sees every answer.
func clients(s *aws.Server, region string, credentials sdk.Credentials) *account {
	config := sdk.Config{
		BaseEndpoint: new(s.URL),
		Region:       region,
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return credentials, nil
		}),
		Retryer: func() sdk.Retryer { return sdk.NopRetryer{} },
	}
	return &account{s, ecr.NewFromConfig(config), iam.NewFromConfig(config), sts.NewFromConfig(config)}
}

// do makes a call that must succeed.
func do[In, Out, Option any](t *testing.T, call func(context.Context, In, ...Option) (Out, error), in In) Out {
	t.Helper()
	out, err := call(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// refused makes a call that must be answered with an AWS error of this code, whose message holds a text.
func refused[In, Out, Option any](t *testing.T, call func(context.Context, In, ...Option) (Out, error), in In, code, message string) {
	t.Helper()
	_, err := call(t.Context(), in)
	wantError(t, err, code, message)
}

// apiError is what the errors of the SDK have.
type apiError interface {
	error
	ErrorCode() string
	ErrorMessage() string
}

// wantError wants an AWS error with this code, and its message to hold a text; no error if the code is empty.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	if err == nil && code == "" {
		return
	}
	failure, ok := errors.AsType[apiError](err)
	if !ok || failure.ErrorCode() != code || !strings.Contains(failure.ErrorMessage(), message) {
		t.Errorf("error %v, want %s with %q", err, code, message)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func equalLists[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestCallerIdentity(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	out := do(t, a.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{})
	equal(t, "ARN", *out.Arn, "arn:aws:iam::123456789012:user/sandbox")
	equal(t, "account", *out.Account, aws.DefaultAccount)
	equal(t, "calls", a.Count("", "^/sts/GetCallerIdentity$"), 1)
}

func TestRepository_createDescribeDelete(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	created := do(t, a.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: new("ml/model")})
	equal(t, "URI", *created.Repository.RepositoryUri, a.Host+"/ml/model")
	equal(t, "ARN", *created.Repository.RepositoryArn, "arn:aws:ecr:us-east-1:123456789012:repository/ml/model")
	refused(t, a.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: new("ml/model")}, "RepositoryAlreadyExistsException", "The repository with name 'ml/model' already exists in the registry with id '123456789012'")
	do(t, a.ecr.DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: new("ml/model")})
	refused(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"ml/model"}}, "RepositoryNotFoundException", "does not exist in the registry with id '123456789012'")
}

const (
	keepTen     = `{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}, "action": {"type": "expire"}}]}`
	permissions = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"}]}`
	trust       = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "123456789012"}}}`
)

func TestRole_withPolicy(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	p := do(t, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("reader"), PolicyDocument: new(permissions)})
	do(t, a.iam.CreateRole, &iam.CreateRoleInput{RoleName: new("server"), AssumeRolePolicyDocument: new(trust)})
	do(t, a.iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: new("server"), PolicyArn: p.Policy.Arn})
	attached := do(t, a.iam.ListAttachedRolePolicies, &iam.ListAttachedRolePoliciesInput{RoleName: new("server")})
	equal(t, "attached", *attached.AttachedPolicies[0].PolicyArn, "arn:aws:iam::123456789012:policy/reader")
	refused(t, a.iam.DeletePolicy, &iam.DeletePolicyInput{PolicyArn: p.Policy.Arn}, "DeleteConflict", "Cannot delete a policy attached to entities.")
	refused(t, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new("server")}, "DeleteConflict", "must detach all policies first")
}
