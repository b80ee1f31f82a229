package acctest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

const examplesRoot = "../../examples"

// Every example is written as `terraform fmt` writes it, and plans with the real provider. An image that some of them take for given is there.
func TestExamples(t *testing.T) {
	t.Parallel()
	registry, w := setup(t, strings.Replace(model, `"model"`, `"sklearn-serving"`, 1))
	w.Apply()
	cloud := installedAWS(t)
	w.MustRun("fmt", "-check", "-diff", "-recursive", absolute(t, examplesRoot))
	directories := examples(t)
	if len(directories) < 4 {
		t.Fatalf("only these directories have examples: %v", slices.Sorted(maps.Keys(directories)))
	}
	maps.DeleteFunc(directories, func(_ string, files []string) bool { return ofPlatform(t, files) }) // TestExamples_platform
	for _, directory := range slices.Sorted(maps.Keys(directories)) {
		var together []string
		for _, file := range directories[directory] {
			expectParses(t, file)
			if !strings.HasPrefix(filepath.Base(file), "import-by-") { // one way or the other, not both
				together = slices.Concat(together, []string{file})
			}
		}
		t.Run(directory, func(t *testing.T) {
			t.Parallel()
			planExample(t, registry, cloud, together)
		})
		for _, file := range directories[directory] {
			if slices.Contains(together, file) {
				continue
			}
			t.Run(directory+"/"+filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				if strings.Contains(file, "identity") && terraformMinor(t, w) < 12 {
					t.Skip("resource identity needs Terraform 1.12 or newer")
				}
				shows(t, planExample(t, registry, cloud, slices.Concat(together, []string{file})), "Plan: 1 to import,")
			})
		}
	}
}

// installedAWS is an account with what the examples of AWS take for given: an installation to import, and a repository.
func installedAWS(t *testing.T) *aws.Server {
	t.Helper()
	cloud := acctest.StartAWS(t, aws.Options{Region: "eu-central-1"})
	w := acctest.NewWorkspace(t)
	w.UseAWS(cloud)
	text, err := os.ReadFile(filepath.Join(examplesRoot, "resources", "rime_image_registry_config", "resource.tf"))
	if err != nil {
		t.Fatal(err)
	}
	w.Write("main.tf", requiredProviders+string(text))
	w.Apply()
	w.PlanIsEmpty()
	createRepository(t, cloud, "rime-managed-images/prod/rime/churn")
	return cloud
}

// createRepository makes a repository in a simulated account, behind the provider's back.
func createRepository(t *testing.T, cloud *aws.Server, name string) {
	t.Helper()
	client := ecr.New(ecr.Options{BaseEndpoint: &cloud.URL, Region: cloud.Region(), Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
		return sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey}, nil
	})})
	if _, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
		t.Fatal(err)
	}
	policy := `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":9},"action":{"type":"expire"}}]}`
	if _, err := client.PutLifecyclePolicy(t.Context(), &ecr.PutLifecyclePolicyInput{RepositoryName: &name, LifecyclePolicyText: &policy}); err != nil {
		t.Fatal(err)
	}
}

// examples are the configuration files of the examples by directory.
func examples(t *testing.T) map[string][]string {
	t.Helper()
	directories := map[string][]string{}
	err := filepath.WalkDir(examplesRoot, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".terraform") {
			return filepath.SkipDir
		}
		if err == nil && filepath.Ext(path) == ".tf" {
			directory, relErr := filepath.Rel(examplesRoot, filepath.Dir(path))
			directories[directory] = append(directories[directory], path)
			return relErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return directories
}

func expectParses(t *testing.T, file string) {
	t.Helper()
	if _, diagnostics := hclparse.NewParser().ParseHCLFile(file); diagnostics.HasErrors() {
		t.Error(diagnostics)
	}
}

// planExample plans files of an example together, with a provider on real parts where they configure none.
func planExample(t *testing.T, registry *oci.Server, cloud *aws.Server, files []string) acctest.Result {
	t.Helper()
	index := exampleIndex(t)
	w := acctest.Embedded{Registry: registry.Host, Index: index}.NewWorkspace(t)
	hub := exampleHub(t)
	w.Env["PRIMEHUB_API_ENDPOINT"], w.Env["PRIMEHUB_API_TOKEN"] = hub.Endpoint(), primehub.TokenAdmin
	w.Env["TF_VAR_oidc_provider_url"] = "oidc.example.com/id/1" // of the module, which has no cluster of its own
	w.UseAWS(cloud)
	for _, pattern := range []string{"*.txt", "*.yml"} {
		read, err := filepath.Glob(filepath.Join(filepath.Dir(files[0]), pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = slices.Concat(files, read)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(filepath.Base(file), string(text))
		if strings.Contains(string(text), "windows.txt") { // It is no text in UTF-8, so that the repository cannot have it.
			w.Write("windows.txt", frozenOnWindows)
		}
		if strings.Contains(string(text), "required_providers") && filepath.Base(file) != "provider.tf" {
			w.Write("provider.tf", "")
		}
		if strings.Contains(string(text), `variable "buildkit_address"`) {
			w.Write("real.auto.tfvars", fmt.Sprintf("registry = %q\nbuildkit_address = %q\nbase_image = %q\npackage_index = %q\n",
				registry.Host, workbenchtest.BuildKit(t), acctest.BaseImage(t), index))
		}
	}
	return w.MustRun("plan")
}

// exampleIndex is a package index with what the examples ask for.
func exampleIndex(t *testing.T) string {
	t.Helper()
	return acctest.StartIndex(t, append(acctest.Packages(),
		pypi.Simple("numpy", "1.26.4", "2.2.0"), pypi.Simple("pandas", "1.5.3", "2.2.3"), pypi.Simple("scikit-learn", "1.5.2"), pypi.Simple("lightgbm", "4.5.0"), pypi.Simple("mlflow", "2.19.0"),
		pypi.Simple("xgboost", "1.7.6", "2.1.1"), pypi.Simple("httptools", "0.6.4"),
		pypi.Package{Name: "uvicorn", Releases: []pypi.Release{{Version: "0.30.6", Extras: map[string][]string{"standard": {"httptools"}}}}},
	)...)
}

// frozenOnWindows is a requirements file in UTF-16.
const frozenOnWindows = "\xff\xfen\x00u\x00m\x00p\x00y\x00\r\x00\n\x00"

// exampleHub is a PrimeHub platform with the image that some examples take for given.
func exampleHub(t *testing.T) *primehub.Server {
	t.Helper()
	hub, err := primehub.Start(primehub.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hub.Close() })
	_, err = hub.Do(primehub.UserAdmin, `mutation { createImage(data: { name: "tensorflow-2.5", url: "tensorflow:2.5", groupName: "data-science" }) { id } }`, nil)
	if err != nil {
		t.Fatal(err)
	}
	return hub
}

// terraformMinor is the N of a Terraform 1.N.
func terraformMinor(t *testing.T, w *acctest.Workspace) int {
	t.Helper()
	var version struct {
		Version string `json:"terraform_version"`
	}
	printed := w.MustRun("version", "-json").Output
	if err := json.Unmarshal([]byte(printed), &version); err != nil {
		t.Fatalf("terraform version: %v\n%s", err, printed)
	}
	_, rest, _ := strings.Cut(version.Version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	number, err := strconv.Atoi(minor)
	if err != nil {
		t.Fatalf("terraform version: %v\n%s", err, printed)
	}
	return number
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
