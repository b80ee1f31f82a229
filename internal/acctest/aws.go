package acctest

import (
	"maps"
	"os"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// StartAWS starts a simulated AWS account for one test.
func StartAWS(t testing.TB, options aws.Options) *aws.Server {
	t.Helper()
	server, err := aws.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("stopping AWS: %v", err)
		}
	})
	return server
}

// NewECRWorkspace makes a workspace whose managed images are in the ECR registry of the account, with further lines in the provider's block embedded_registry.
func NewECRWorkspace(t testing.TB, server *aws.Server, settings ...string) *Workspace {
	t.Helper()
	w := Embedded{Settings: settings}.NewWorkspace(t)
	w.UseAWS(server)
	return w
}

// UseAWS lets the standard chain of AWS find the simulated account, and nothing of the user's.
func (w *Workspace) UseAWS(server *aws.Server) {
	maps.Copy(w.Env, map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": server.Region(), "AWS_ACCESS_KEY_ID": aws.AccessKeyID, "AWS_SECRET_ACCESS_KEY": aws.SecretAccessKey,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	})
}
