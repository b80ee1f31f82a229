package aws_test

import (
	"context"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeartifact"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

func TestCodeArtifact(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{Domains: []string{"ours"}, TokenLife: 2 * time.Hour})
	client := codeartifact.NewFromConfig(sdk.Config{
		BaseEndpoint: &a.URL, Region: aws.DefaultRegion, Retryer: func() sdk.Retryer { return sdk.NopRetryer{} },
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey}, nil
		}),
	})
	asked := time.Now()
	out := do(t, client.GetAuthorizationToken, &codeartifact.GetAuthorizationTokenInput{Domain: new("ours"), DurationSeconds: new(int64(3600))})
	life := sdk.ToTime(out.Expiration).Sub(asked)
	equal(t, "life", life > 59*time.Minute && life < 61*time.Minute, true)
	equal(t, "good", a.IndexToken("aws", *out.AuthorizationToken), true)
	equal(t, "another user", a.IndexToken("AWS", *out.AuthorizationToken), false)
	equal(t, "another token", a.IndexToken("aws", "x"), false)
	refused(t, client.GetAuthorizationToken, &codeartifact.GetAuthorizationTokenInput{Domain: new("theirs")}, "ResourceNotFoundException", "Domain not found")
	refused(t, client.GetAuthorizationToken, &codeartifact.GetAuthorizationTokenInput{Domain: new("ours"), DurationSeconds: new(int64(1))}, "ValidationException", "Duration")
	a.Deny("*", true, "codeartifact:*")
	refused(t, client.GetAuthorizationToken, &codeartifact.GetAuthorizationTokenInput{Domain: new("ours")}, "AccessDeniedException", "codeartifact:GetAuthorizationToken on resource: arn:aws:codeartifact:us-east-1:123456789012:domain/ours")
}
