package provider

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// TestMain keeps what the user has configured for Terraform out of the tests, and finds the CLI, which is never downloaded.
func TestMain(m *testing.M) {
	for _, variable := range []string{"TF_CLI_CONFIG_FILE", "TF_LOG", envEndpoint, envAPIKey, envURL, envRepositoryPrefix, envBuildkitAddress, primehub.EnvEndpoint, primehub.EnvAPIToken, primehub.EnvGroup, "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"} {
		if err := os.Unsetenv(variable); err != nil {
			panic(err)
		}
	}
	home, err := os.MkdirTemp("", "rime-home-") // without a settings file of PrimeHub's SDK
	if err != nil {
		panic(err)
	}
	if err := os.Setenv("HOME", home); err != nil {
		panic(err)
	}
	for variable, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": aws.AccessKeyID, "AWS_SECRET_ACCESS_KEY": aws.SecretAccessKey,
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"GOGC": "400", // of Terraform, as of this process below: their memory is small, and not worth the time to collect it that often
	} {
		if err := os.Setenv(variable, value); err != nil {
			panic(err)
		}
	}
	debug.SetGCPercent(400)
	found, _ := exec.LookPath("terraform")
	if err := os.Setenv("TF_ACC_TERRAFORM_PATH", cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), found, "/usr/local/bin/terraform")); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(home)
	os.Exit(code)
}

// served is a provider as the CLI starts it.
func served(construct func() provider.Provider) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){"rime": providerserver.NewProtocol6WithError(construct())}
}

// withRegistry is the provider on that registry.
func withRegistry(registry imageregistry.Registry) map[string]func() (tfprotov6.ProviderServer, error) {
	return served(New("test", WithRegistry(registry)))
}

// asConfigured is the provider with whatever registry its configuration describes.
func asConfigured() map[string]func() (tfprotov6.ProviderServer, error) { return served(New("test")) }

// run runs steps of the real CLI against the registry; at the end, the destroy must have left no image behind.
func run(t *testing.T, registry imageregistry.Registry, steps ...resource.TestStep) {
	t.Helper()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: withRegistry(registry),
		CheckDestroy:             func(*terraform.State) error { return empty(t, registry) },
		Steps:                    steps,
	})
}

// empty asks the registry, not the state, what is left.
func empty(t *testing.T, registry imageregistry.Registry) error {
	t.Helper()
	for image, err := range registry.List(t.Context(), imageregistry.Filter{}) {
		if err != nil {
			return err
		}
		return fmt.Errorf("image %q is still there", image.Name)
	}
	return nil
}

var sha256Reference = regexp.MustCompile(`^registry\.test/ml/[a-z0-9-]+@sha256:[0-9a-f]{64}$`)

// words matches a message of the CLI, which breaks lines where it likes and draws a frame around them. A § stands for anything.
func words(message string) *regexp.Regexp {
	quoted := strings.Join(strings.Fields(regexp.QuoteMeta(message)), `[\s│]+`)
	return regexp.MustCompile("(?s)" + strings.ReplaceAll(quoted, `[\s│]+§[\s│]+`, ".*"))
}

func stringValue(value string) types.String { return types.StringValue(value) }

// differentFromBefore is a comparison of a value over the steps of a test: it has never been the same twice.
type differentFromBefore struct{}

// CompareValues implements compare.ValueComparer.
func (differentFromBefore) CompareValues(values ...any) error {
	for i, value := range values {
		if slices.Contains(values[:i], value) {
			return fmt.Errorf("%v was the same before: %v", value, values)
		}
	}
	return nil
}

// replaced is a configuration with something else in it.
func replaced(config, before, after string) string { return strings.ReplaceAll(config, before, after) }
