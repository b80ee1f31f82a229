package acctest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// The tests of every registry that ECR has a part in: it makes repositories, lists them and takes them away.
func TestManagedImage_ecr(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *world){
		"basic": basic, "import": imported, "dataSources": dataSources, "retain": retain, "disappears": disappears,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, ecrStand{acctest.StartAWS(t, aws.Options{})}))
		})
	}
}

// ecrStand is the embedded registry on ECR and BuildKit.
type ecrStand struct{ *aws.Server }

func (s ecrStand) address() string { return s.Host }

func (s ecrStand) workspace(t *testing.T) *acctest.Workspace {
	t.Helper()
	t.Cleanup(func() { expectDocumented(t, s.Server) })
	return acctest.NewECRWorkspace(t, s.Server)
}

// expectDocumented expects that nothing was done on AWS but what the documentation asks permissions for, besides what a test did itself.
func expectDocumented(t *testing.T, cloud *aws.Server) {
	t.Helper()
	documentation, err := os.ReadFile(filepath.Join("..", "..", "docs", "index.md"))
	if err != nil {
		t.Fatal(err)
	}
	for action := range cloud.CallCounts() {
		if strings.HasPrefix(action, "ecr:") && action != "ecr:DescribeImages" && !strings.Contains(string(documentation), "`"+action+"`") {
			t.Errorf("%s was done, and is no documented permission", action)
		}
	}
}

func (s ecrStand) inPlace() bool { return true }

// version is all that there is: the repository itself must not be left of an image that is gone.
func (s ecrStand) version(t *testing.T, image string) string {
	t.Helper()
	repository := "ml/" + image
	out, err := ecrClient(s.Server).DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: &repository})
	if _, absent := errors.AsType[*types.RepositoryNotFoundException](err); absent {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	all := []string{repository}
	for _, detail := range out.ImageDetails {
		all = append(all, sdk.ToString(detail.ImageDigest)+" "+strings.Join(detail.ImageTags, " "))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (s ecrStand) remove(t *testing.T, image string) {
	t.Helper()
	repository := "ml/" + image
	if _, err := ecrClient(s.Server).DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: &repository, Force: true}); err != nil {
		t.Fatal(err)
	}
}

func (s ecrStand) spoil(t *testing.T, image, tag string) {
	t.Helper()
	s.deleteTag(t, "ml/"+image, tag)
}

func (s ecrStand) deleteTag(t *testing.T, repository, tag string) {
	t.Helper()
	out, err := ecrClient(s.Server).BatchDeleteImage(t.Context(), &ecr.BatchDeleteImageInput{
		RepositoryName: &repository, ImageIds: []types.ImageIdentifier{{ImageTag: &tag}},
	})
	if err != nil || len(out.Failures) > 0 {
		t.Fatal(err, out)
	}
}

func (s ecrStand) publishes(r fault.Request, image string) bool {
	return r.Method == http.MethodPut && strings.HasPrefix(r.Path, "/v2/ml/"+image+"/manifests/3.11-")
}

func (s ecrStand) deletes(r fault.Request, image string) bool {
	return r.Method == http.MethodDelete && strings.HasPrefix(r.Path, "/v2/ml/"+image+"/")
}

func (s ecrStand) reads(r fault.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead ||
		slices.Contains([]string{"/ecr/GetAuthorizationToken", "/ecr/DescribeRepositories"}, r.Path)
}

// ecrClient asks ECR, behind the provider's back.
func ecrClient(cloud *aws.Server) *ecr.Client {
	return ecr.New(ecr.Options{BaseEndpoint: &cloud.URL, Region: cloud.Region(), Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
		return sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey}, nil
	})})
}

// tag puts another tag on what a tag leads to.
func tag(t *testing.T, cloud *aws.Server, repository, from, to string) {
	t.Helper()
	client := ecrClient(cloud)
	found, err := client.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: &repository, ImageIds: []types.ImageIdentifier{{ImageTag: &from}}})
	if err != nil || len(found.Images) != 1 {
		t.Fatal(err, found)
	}
	image := found.Images[0]
	if _, err := client.PutImage(t.Context(), &ecr.PutImageInput{
		RepositoryName: &repository, ImageTag: &to, ImageManifest: image.ImageManifest, ImageManifestMediaType: image.ImageManifestMediaType,
	}); err != nil {
		t.Fatal(err)
	}
}

// A repository is made as configured before anything is in it, no tag of an image can be moved in it, and what others have put into it is theirs.
func TestManagedImage_ecrSettings(t *testing.T) {
	t.Parallel()
	cloud := acctest.StartAWS(t, aws.Options{})
	t.Cleanup(func() { expectDocumented(t, cloud) })
	untagged := `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":14},"action":{"type":"expire"}}]}`
	w := acctest.NewECRWorkspace(t, cloud, `repository_settings = {
      tag_mutability        = "IMMUTABLE"
      scan_on_push          = true
      encryption            = { type = "KMS" }
      tags                  = { team = "ml" }
      lifecycle_policy_json = `+"<<-EOT\n"+untagged+"\nEOT\n    }")
	w.Write("main.tf", model)
	w.Apply()
	found, err := ecrClient(cloud).DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"ml/model"}})
	if err != nil {
		t.Fatal(err)
	}
	repository := found.Repositories[0]
	if repository.ImageTagMutability != types.ImageTagMutabilityImmutableWithExclusion || !repository.ImageScanningConfiguration.ScanOnPush ||
		repository.EncryptionConfiguration.EncryptionType != types.EncryptionTypeKms {
		t.Errorf("%+v", repository)
	}
	policy, err := ecrClient(cloud).GetLifecyclePolicy(t.Context(), &ecr.GetLifecyclePolicyInput{RepositoryName: repository.RepositoryName})
	if err != nil || !sameJSONText(t, sdk.ToString(policy.LifecyclePolicyText), untagged) {
		t.Errorf("%+v, %v", policy, err)
	}
	tags, err := ecrClient(cloud).ListTagsForResource(t.Context(), &ecr.ListTagsForResourceInput{ResourceArn: repository.RepositoryArn})
	if err != nil || !slices.ContainsFunc(tags.Tags, func(t types.Tag) bool { return *t.Key == "team" && *t.Value == "ml" }) {
		t.Errorf("%+v, %v", tags, err)
	}

	// An image in place, and one that is built anew, keep to immutable tags.
	w.Edit("main.tf", ">=1,<2", ">=2")
	w.Apply()
	w.PlanIsEmpty()

	tag(t, cloud, "ml/model", text(t, w, "rime_tag"), "production")
	shows(t, w.MustRun("plan", "-destroy"), "Warning: Repository Is Kept", "Tags that stay: 1")
	shows(t, w.Destroy(), "Destroy complete! Resources: 1 destroyed.")
	stand := ecrStand{cloud}
	if left := stand.version(t, "model"); !strings.HasPrefix(left, "ml/model, sha256:") || strings.Contains(left, recordTag) || !strings.Contains(left, "production") ||
		strings.Contains(left, "3.11-") {
		t.Errorf("ECR has %q", left)
	}
	// In what they left, an image of that name can be made again; and with the last of theirs, the repository goes.
	w.Apply()
	w.PlanIsEmpty()
	stand.deleteTag(t, "ml/model", "production")
	w.Destroy()
	if calls := cloud.CallCounts(); calls["ecr:DeleteRepository"] == 0 {
		t.Errorf("calls %v", calls)
	}
}

// sameJSONText compares two texts in JSON.
func sameJSONText(t *testing.T, a, b string) bool {
	t.Helper()
	var left, right any
	if err := errors.Join(json.Unmarshal([]byte(a), &left), json.Unmarshal([]byte(b), &right)); err != nil {
		t.Fatal(err)
	}
	return sameJSON(t, left, right)
}

// A build outlasts the tokens of ECR, of which neither Terraform nor BuildKit keeps one: those from before the package is built are of no use when it has been.
func TestManagedImage_ecrTokenLife(t *testing.T) {
	t.Parallel()
	cloud := acctest.StartAWS(t, aws.Options{TokenLife: time.Millisecond, TokenGrace: time.Hour})
	brief := "brief-" + slug(t)
	packages := pypi.New(acctest.Source(brief, pypi.Source{Sleep: 4 * time.Second}))
	var building sync.Once
	index, stop := workbenchtest.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".tar.gz") {
			building.Do(cloud.ExpireTokens)
		}
		packages.ServeHTTP(w, r)
	}))
	t.Cleanup(stop)
	w := acctest.Embedded{Index: index + "/simple/"}.NewWorkspace(t)
	w.UseAWS(cloud)
	w.Write("main.tf", `
resource "rime_managed_image" "a" {
  name             = "model"
  python_version   = "3.11"
  pip_requirements = ["`+brief+`"]
}
`)
	w.Apply()
	building.Do(func() { t.Error("the package was not built") })
	// The plan and the apply are a process each, and each needs one.
	if tokens := cloud.CallCounts()["ecr:GetAuthorizationToken"]; tokens < 3 {
		t.Errorf("%d tokens for a build that is longer than one lives", tokens)
	}
	w.PlanIsEmpty()
	w.Destroy()
}

// What AWS and the provider's configuration do not allow is said while planning, or names what is missing.
func TestManagedImage_ecrRefused(t *testing.T) {
	t.Parallel()
	cloud := acctest.StartAWS(t, aws.Options{})
	w := acctest.NewECRWorkspace(t, cloud, "allow_external_custom_images = false")
	w.Write("main.tf", model)
	fails(t, w, []string{"plan"}, "Error: Provider Configuration Cannot Be Used", "allow_external_custom_images is false", "these base images are not in the registry "+cloud.Host)
	acctest.Embedded{}.Configure(t, w)
	w.Write("registry.tf", `
resource "rime_image_registry_config" "this" {
  repository_prefix            = "ml"
  pod_identity                 = true
  allow_external_custom_images = false
}
`)
	fails(t, w, []string{"plan"}, "Error: Base Images Outside the Registry", "allow_external_custom_images = false, but the embedded registry of this provider", acctest.BaseImage(t))
	w.Write("registry.tf", "")
	acctest.Embedded{Settings: []string{`repository_settings = { lifecycle_policy_json = jsonencode({ rules = [{ rulePriority = 1,
	  selection = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 9 }, action = { type = "expire" } }] }) }`}}.Configure(t, w)
	fails(t, w, []string{"plan"}, "Error: Lifecycle Policy Endangers Managed Images", "can expire the record")
	acctest.Embedded{Settings: []string{`repository_settings = { encryption = { type = "AES256", kms_key = "alias/x" } }`}}.Configure(t, w)
	fails(t, w, []string{"plan"}, "repository_settings.encryption", "AES256")
	acctest.Embedded{}.Configure(t, w)

	user := "arn:aws:iam::" + aws.DefaultAccount + ":user/sandbox"
	cloud.Deny(user, true, "ecr:CreateRepository")
	fails(t, w, []string{"apply", "-auto-approve"}, "Error: AWS Permission Missing", `Tried to create managed image "model".`, "Missing permission: ecr:CreateRepository")
	cloud.Allow()
	cloud.Deny(user, true, "ecr:PutImage")
	fails(t, w, []string{"apply", "-auto-approve"}, "Error: Unable to Create Managed Image", "403 Forbidden", "DENIED")
	cloud.Allow()
	if left := (ecrStand{cloud}).version(t, "model"); left != "" {
		t.Errorf("a create that was refused left %q", left)
	}
	w.Apply()
	cloud.Deny(user, true, "ecr:DeleteRepository")
	shows(t, w.Destroy(), "Warning: Empty Repository Left", "ecr:DeleteRepository", "Destroy complete!")
	cloud.Allow()
	(ecrStand{cloud}).remove(t, "model")
	repository := "ml/model"
	if _, err := ecrClient(cloud).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &repository, ImageTagMutability: types.ImageTagMutabilityImmutable}); err != nil {
		t.Fatal(err)
	}
	fails(t, w, []string{"apply", "-auto-approve"}, "Error: Repository Has Immutable Tags", `IMMUTABLE_WITH_EXCLUSION with the exclusion "rime-*"`)
	w.Env["AWS_ACCESS_KEY_ID"] = "AKIANOBODYKNOWSTHIS0"
	fails(t, w, []string{"plan"}, "Error: AWS Credentials Not Accepted", "Tried to find the ECR registry of the managed images")
}

// A repository that AWS shows late, and now and then not at all, is waited for before anything is pushed, and its image is never taken for gone.
func TestManagedImage_ecrLag(t *testing.T) {
	t.Parallel()
	cloud := acctest.StartAWS(t, aws.Options{Lag: aws.Lag{Max: 5 * time.Second, Flapping: true}})
	w := acctest.NewECRWorkspace(t, cloud)
	w.Write("main.tf", model)
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
	w.Apply()
	w.PlanIsEmpty()
	w.Destroy()
}
