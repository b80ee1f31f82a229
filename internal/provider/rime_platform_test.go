package provider

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// startPlatform starts a stand-in of a RIME platform whose builds take no time to speak of.
func startPlatform(t *testing.T, o sandbox.Options) *sandbox.Server {
	t.Helper()
	if o.BuildTime == 0 {
		o.BuildTime = 100 * time.Millisecond
	}
	server, err := sandbox.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// onPlatform is a configuration of the real provider for that platform.
func onPlatform(server *sandbox.Server, key, body string) string {
	return fmt.Sprintf("provider \"rime\" {\nendpoint = %q\napi_key = %q\nhttp = { max_retries = 1 }\n}\n", server.URL+"/", key) + body
}

const churn = `
resource "rime_managed_image" "test" {
  name           = "churn"
  python_version = "3.9"
  pip_requirements     = ["XGBoost<2, >=1", "pandas==1.5.3"]
  rocky_linux_packages = ["vim"]
}
`

// apply runs steps of the real CLI against the platform; at the end, the destroy must have left no image behind.
func apply(t *testing.T, server *sandbox.Server, steps ...resource.TestStep) {
	t.Helper()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: asConfigured(),
		CheckDestroy: func(*terraform.State) error {
			if left := server.ImageNames(); len(left) > 0 {
				return fmt.Errorf("left behind: %v", left)
			}
			return nil
		},
		Steps: steps,
	})
}

// TestPlatform_basic creates an image on every kind of platform, plans nothing for it, imports it, and deletes it.
func TestPlatform_basic(t *testing.T) {
	t.Parallel()
	at := func(name string) tfjsonpath.Path { return tfjsonpath.New(name) }
	for name, options := range map[string]sandbox.Options{
		"today":            {},
		"before 2.0":       {JobRoutes: sandbox.JobsBeta, Output: sandbox.Output{OmitUnpopulated: true}},
		"echoes otherwise": {Echo: sandbox.Echo{Reversed: true, Equals: true, UnspecifiedTypes: true, FullPython: true}, Output: sandbox.Output{EscapeHTML: true, NullLists: true}},
		"numbers, unknown": {Output: sandbox.Output{NumericEnums: true}, TransientJobStatus: "JOB_STATUS_ODD", TransientImageStatus: "STATUS_ODD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startPlatform(t, options)
			config := onPlatform(server, sandbox.KeyOrgAdmin, churn)
			apply(t, server,
				resource.TestStep{
					Config: config,
					ConfigStateChecks: []statecheck.StateCheck{
						statecheck.ExpectKnownValue("rime_managed_image.test", at("status"), knownvalue.StringExact("ready")),
						statecheck.ExpectKnownValue("rime_managed_image.test", at("role_type"), knownvalue.StringExact("user_defined")),
						statecheck.ExpectKnownValue("rime_managed_image.test", at("python_version"), knownvalue.StringExact("3.9")),
						statecheck.ExpectKnownValue("rime_managed_image.test", at("image_uri"), knownvalue.StringRegexp(regexp.MustCompile(`/churn:2\.13\.2$`))),
						statecheck.ExpectKnownValue("rime_managed_image.test", at("build").AtMapKey("status"), knownvalue.StringExact("succeeded")),
						statecheck.ExpectKnownValue("rime_managed_image.test", at("base_image").AtMapKey("reference_type"), knownvalue.StringExact("managed")),
					},
				},
				resource.TestStep{
					Config: config, ResourceName: "rime_managed_image.test", ImportState: true, ImportStateId: "churn", ImportStateVerify: true,
					ImportStateVerifyIdentifierAttribute: "name",
					// The platform does not tell the build of an image, and keeps its own spelling of requirements.
					ImportStateVerifyIgnore: []string{"build", "pip_requirements", "adopt_existing", "deletion_policy", "rebuild_when_outdated", "timeouts"},
				},
			)
			if posts := server.Count(http.MethodPost, "^/v1/images$"); posts != 1 {
				t.Errorf("%d images were asked for", posts)
			}
		})
	}
}

// TestPlatform_changes replaces an image for other inputs, because the platform cannot change one, and leaves alone what the platform does by itself.
func TestPlatform_changes(t *testing.T) {
	t.Parallel()
	server := startPlatform(t, sandbox.Options{})
	config := onPlatform(server, sandbox.KeyOrgAdmin, churn)
	action := func(a plancheck.ResourceActionType) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction("rime_managed_image.test", a)}}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	apply(t, server,
		resource.TestStep{Config: config},
		// The same, written otherwise.
		resource.TestStep{Config: strings.NewReplacer(`"XGBoost<2, >=1"`, `"xgboost >=1.0", "xgboost<2"`, `pandas==1.5.3`, `Pandas == 1.5.3`).Replace(config), PlanOnly: true},
		resource.TestStep{Config: strings.Replace(config, `==1.5.3`, `==1.5.2`, 1), ConfigPlanChecks: action(plancheck.ResourceActionReplace)},
		resource.TestStep{PreConfig: func() { must(server.SetImageStatus("churn", "STATUS_OUTDATED")) }, Config: strings.Replace(config, `==1.5.3`, `==1.5.2`, 1), PlanOnly: true},
		resource.TestStep{PreConfig: func() { must(server.SetImageStatus("churn", "STATUS_REBUILDING")) }, Config: strings.Replace(config, `==1.5.3`, `==1.5.2`, 1), PlanOnly: true},
		resource.TestStep{PreConfig: func() { must(server.SetImageStatus("churn", "STATUS_FAILED")) }, Config: strings.Replace(config, `==1.5.3`, `==1.5.2`, 1), ConfigPlanChecks: action(plancheck.ResourceActionReplace)},
		resource.TestStep{PreConfig: func() { must(server.Remove("churn")) }, Config: config, ConfigPlanChecks: action(plancheck.ResourceActionCreate)},
	)
}

// TestPlatform_unknownRegistry plans without knowing which registry it will be: which kind of packages it takes is then for the apply to say.
func TestPlatform_unknownRegistry(t *testing.T) {
	t.Parallel()
	server := startPlatform(t, sandbox.Options{})
	config := "resource \"terraform_data\" \"registry\" {\ninput = \"" + server.URL + "\"\n}\nprovider \"rime\" {\nendpoint = terraform_data.registry.output\n" +
		"api_key = \"" + sandbox.KeyOrgAdmin + "\"\n}\n" + churn
	apply(t, server,
		resource.TestStep{
			Config:      strings.Replace(config, "rocky_linux_packages", "apt_packages", 1),
			ExpectError: words(`Packages the Platform Cannot Install § Write rocky_linux_packages = ["vim"]`),
		},
		resource.TestStep{
			Config:            strings.Replace(config, "input =", "triggers_replace = \"now\"\ninput =", 1),
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownValue("rime_managed_image.test", tfjsonpath.New("status"), knownvalue.StringExact("ready"))},
		},
	)
}

// TestPlatform_importPackages imports an image of another client, which named no type of package.
func TestPlatform_importPackages(t *testing.T) {
	t.Parallel()
	server := startPlatform(t, sandbox.Options{})
	if err := server.Add("churn", sandbox.Inputs{PythonVersion: "3.9", PackageRequirements: []sandbox.Require{{Name: "vim"}}}); err != nil {
		t.Fatal(err)
	}
	config := onPlatform(server, sandbox.KeyOrgAdmin, `
resource "rime_managed_image" "test" {
  name                 = "churn"
  rocky_linux_packages = ["vim"]
}
import {
  to = rime_managed_image.test
  id = "churn"
}
`)
	apply(t, server, resource.TestStep{Config: config})
	if posts := server.Count(http.MethodPost, "^/v1/images$"); posts != 0 {
		t.Errorf("%d images were asked for", posts)
	}
}

// TestPlatform_diagnostics reads whole messages off the CLI.
func TestPlatform_diagnostics(t *testing.T) {
	t.Parallel()
	failing := func(pip string) string {
		return strings.Replace(churn, `"pandas==1.5.3"`, `"`+pip+`"`, 1)
	}
	for name, test := range map[string]struct {
		options sandbox.Options
		before  func(*sandbox.Server) error
		key     string
		body    string
		message string
	}{
		"expired key":    {key: sandbox.KeyExpired, body: churn, message: "Unable to Create Managed Image § 401 Unauthorized § Make a new token in the platform's Settings under API Access Tokens"},
		"viewer":         {key: sandbox.KeyViewer, body: churn, message: "Unable to Create Managed Image § 403 Forbidden § a Workspace Viewer may not."},
		"not enabled":    {options: sandbox.Options{RegistryDisabled: true}, body: churn, message: "Managed Image Registry Not Found § cloud deployments of RIME do not support managed images."},
		"in the cloud":   {options: sandbox.Options{Deployment: sandbox.Cloud}, body: churn, message: "Managed Image Registry Not Found § not supported in a Cloud deployment"},
		"taken":          {before: func(s *sandbox.Server) error { return s.Add("churn", sandbox.Inputs{}) }, body: churn, message: "Managed Image Already Exists § terraform import rime_managed_image.NAME churn"},
		"no package":     {body: failing("sandbox-not-found"), message: `Managed Image Build Failed § because of pip_requirements["sandbox-not-found"] § No matching distribution found § Correct the requirements § Whole log: ask the platform`},
		"memory":         {body: failing("sandbox-out-of-memory"), message: "Managed Image Build Failed § OOMKilled § Ask those who run the platform to give its image builder more memory § Class: out_of_memory"},
		"trust":          {body: failing("sandbox-access-denied"), message: "Managed Image Build Failed § AssumeRoleWithWebIdentity § (rime-<namespace>) § Class: platform"},
		"deadline":       {body: failing("sandbox-deadline"), message: "Managed Image Build Failed § DeadlineExceeded § The platform ends a build after one hour. § Class: deadline"},
		"list, no key":   {key: sandbox.KeyExpired, body: `data "rime_managed_images" "all" {}`, message: "Unable to List Managed Images § Make a new token"},
		"list, disabled": {options: sandbox.Options{RegistryDisabled: true}, body: `data "rime_managed_images" "all" {}`, message: "Managed Image Registry Not Found"},
		"no such build": {body: `data "rime_image_build" "b" { 
			id = "00000000-0000-0000-0000-000000000000" 
		}`, message: "Image Build Not Found § Correct the id."},
		"no build id": {body: `data "rime_image_build" "b" { 
			id = "nonsense" 
		}`, message: "Unable to Read Image Build § 400 Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startPlatform(t, test.options)
			if test.before != nil {
				if err := test.before(server); err != nil {
					t.Fatal(err)
				}
			}
			key := test.key
			if key == "" {
				key = sandbox.KeyOrgAdmin
			}
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: asConfigured(),
				Steps:                    []resource.TestStep{{Config: onPlatform(server, key, test.body), ExpectError: words(test.message)}},
			})
		})
	}
}

// TestPlatform_deleteRefused has a user create an image who may not delete it, and who then only forgets it.
func TestPlatform_deleteRefused(t *testing.T) {
	t.Parallel()
	server := startPlatform(t, sandbox.Options{})
	config := onPlatform(server, sandbox.KeyUser, churn)
	retained := strings.Replace(config, "python_version", "deletion_policy = \"retain\"\n  python_version", 1)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: asConfigured(),
		Steps: []resource.TestStep{
			{Config: config},
			{Config: config, Destroy: true, ExpectError: words(`Managed Image May Not Be Deleted § Organization Administrator § An image that is only to be forgotten`)},
			{Config: retained},
		},
	})
	if left := server.ImageNames(); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestPlatform_repair builds an image again whose build failed in passing, under the name that its inputs make: it is in the way of itself, as create_before_destroy
// creates first.
func TestPlatform_repair(t *testing.T) {
	t.Parallel()
	server := startPlatform(t, sandbox.Options{})
	fail := func(failure sandbox.Failure) func() {
		return func() {
			if err := server.Fail("pandas", failure); err != nil {
				t.Error(err)
			}
		}
	}
	body := strings.Replace(strings.Replace(churn, `name           = "churn"`, `name_prefix = "churn-"`, 1), "python_version", "lifecycle {\n create_before_destroy = true\n }\n python_version", 1)
	config := onPlatform(server, sandbox.KeyOrgAdmin, body)
	ready := []statecheck.StateCheck{statecheck.ExpectKnownValue("rime_managed_image.test", tfjsonpath.New("status"), knownvalue.StringExact("ready"))}
	replaced := resource.ConfigPlanChecks{
		PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction("rime_managed_image.test", plancheck.ResourceActionCreateBeforeDestroy)},
	}
	apply(t, server,
		resource.TestStep{PreConfig: fail("out_of_memory"), Config: config, ExpectError: words("Managed Image Build Failed")},
		// A first build that failed; at first with a key that may not delete.
		resource.TestStep{PreConfig: fail(""), Config: onPlatform(server, sandbox.KeyUser, body), ExpectError: words("Managed Image May Not Be Deleted § ask one to remove the image")},
		resource.TestStep{Config: config, ConfigPlanChecks: replaced, ConfigStateChecks: ready},
		// A later one, of the platform's own making.
		resource.TestStep{PreConfig: func() {
			for _, name := range server.ImageNames() {
				if err := server.SetImageStatus(name, "STATUS_FAILED"); err != nil {
					t.Error(err)
				}
			}
		}, Config: config, ConfigPlanChecks: replaced, ConfigStateChecks: ready},
	)
	if posts := server.Count(http.MethodPost, "^/v1/images$"); posts != 3 {
		t.Errorf("%d images were asked for, want 3", posts)
	}
}

// TestPlatform_dataSources filters on the platform, and reads a build.
func TestPlatform_dataSources(t *testing.T) {
	t.Parallel()
	server := startPlatform(t, sandbox.Options{Preload: sandbox.Preload{Images: 30, Seed: 7}})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: asConfigured(),
		Steps: []resource.TestStep{{
			Config: onPlatform(server, sandbox.KeyOrgAdmin, churn+`
data "rime_image_build" "test" {
  id = rime_managed_image.test.build.id
}
data "rime_managed_images" "test" {
  pip_libraries = { xgboost = "1.7.6", catboost = "" }
}
`),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("data.rime_image_build.test", tfjsonpath.New("status"), knownvalue.StringExact("succeeded")),
				statecheck.ExpectKnownValue("data.rime_image_build.test", tfjsonpath.New("created_at"), knownvalue.NotNull()),
				statecheck.ExpectKnownValue("data.rime_managed_images.test", tfjsonpath.New("images").AtSliceIndex(0).AtMapKey("role_type"), knownvalue.StringExact("user_defined")),
			},
		}},
	})
}

// TestPlatform_lostAnswer loses the answer to the create: the state knows the image all the same, and it is there once.
func TestPlatform_lostAnswer(t *testing.T) {
	t.Parallel()
	server := startPlatform(t, sandbox.Options{})
	if err := server.SetFaults(fault.Rule{Method: http.MethodPost, Path: "^/v1/images$", DropAnswer: true, Times: 1}); err != nil {
		t.Fatal(err)
	}
	config := onPlatform(server, sandbox.KeyOrgAdmin, churn)
	apply(t, server, resource.TestStep{Config: config})
	if posts := server.Count(http.MethodPost, "^/v1/images$"); posts != 1 {
		t.Errorf("%d images were asked for", posts)
	}
}

// TestPlatform_outage plans while the platform is down, or somebody else answers: nothing is dropped from the state.
func TestPlatform_outage(t *testing.T) {
	t.Parallel()
	server := startPlatform(t, sandbox.Options{})
	config := onPlatform(server, sandbox.KeyOrgAdmin, churn)
	steps := []resource.TestStep{{Config: config}}
	for status, message := range map[int]string{
		503: "Unable to Read Managed Image § 503 Service Unavailable", 404: "Managed Image Registry Not Found", 401: "Unable to Read Managed Image § Make a new token",
	} {
		steps = append(steps, resource.TestStep{
			PreConfig: func() {
				if err := server.SetFaults(fault.Rule{Path: "^/v1/images", Status: status, Body: "<html><title>down</title></html>"}); err != nil {
					t.Error(err)
				}
			},
			Config: config, PlanOnly: true, ExpectError: words(message),
		})
	}
	steps = append(steps, resource.TestStep{
		PreConfig: func() {
			if err := server.SetFaults(); err != nil {
				t.Error(err)
			}
		},
		Config: config, PlanOnly: true,
	})
	apply(t, server, steps...)
}

// afterPlan does something between the plan and the apply of a step.
type afterPlan func()

// CheckPlan implements plancheck.PlanCheck.
func (do afterPlan) CheckPlan(context.Context, plancheck.CheckPlanRequest, *plancheck.CheckPlanResponse) {
	do()
}

// TestPlatform_stuckWait ends the wait before the build, on a platform that cancels none: the resource stays whole, and the next apply goes on waiting.
func TestPlatform_stuckWait(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	server := startPlatform(t, sandbox.Options{
		BuildTime: time.Hour, Cancel: sandbox.CancelRefused, DeleteWhileBuilding: true, Clock: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
	})
	config := onPlatform(server, sandbox.KeyOrgAdmin, strings.Replace(churn, "python_version", "timeouts = { create = \"10s\" }\n  python_version", 1))
	apply(t, server,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("rime_managed_image.test", tfjsonpath.New("status"), knownvalue.StringExact("building_first_time")),
			},
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{
			Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction("rime_managed_image.test", plancheck.ResourceActionUpdate),
				afterPlan(func() { ahead.Store(int64(2 * time.Hour)) }),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("rime_managed_image.test", tfjsonpath.New("status"), knownvalue.StringExact("ready")),
			},
		},
	)
	if n := len(server.Builds("churn")); n != 1 {
		t.Errorf("%d builds", n)
	}
}

// TestPlatform_refreshCalls counts what it costs to read many images through the resource: those reads share a list.
func TestPlatform_refreshCalls(t *testing.T) {
	t.Parallel()
	const count = 30
	server := startPlatform(t, sandbox.Options{Preload: sandbox.Preload{Images: count}})
	var images strings.Builder
	for i, name := range server.ImageNames() {
		fmt.Fprintf(&images, "import {\n to = rime_managed_image.all[%d]\n id = %q\n}\n", i, name)
	}
	fmt.Fprintf(&images, `
resource "rime_managed_image" "all" {
  count = %d
  name  = format("preloaded-%%04d", count.index)
  lifecycle {
    ignore_changes = [pip_requirements, rocky_linux_packages, python_version]
  }
}`, count)
	config := onPlatform(server, sandbox.KeyOrgAdmin, images.String())
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: asConfigured(),
		Steps: []resource.TestStep{
			{Config: config},
			{PreConfig: server.Forget, Config: config, PlanOnly: true},
			{
				PreConfig: func() {
					// A step plans several times, each with a provider of its own.
					gets, lists := server.Count(http.MethodGet, "^/v1/images/"), server.Count(http.MethodPost, "^/v1/images/list$")
					if gets != 3*lists || lists == 0 || lists > 6 {
						t.Errorf("%d reads and %d lists for plans of %d images", gets, lists, count)
					}
				},
				Config: config, PlanOnly: true,
			},
		},
	})
}

// TestPlatform_environment takes address and key from the environment. Not in parallel: the environment is the process's.
func TestPlatform_environment(t *testing.T) {
	for name, test := range map[string]struct{ endpoint, key, url, message string }{
		"complete":        {endpoint: "rime.test", key: "key"},
		"both registries": {endpoint: "rime.test", key: "key", url: "registry.test"},
		"no key":          {endpoint: "rime.test", message: "api_key has no value."},
		"secret":          {endpoint: "https://ada:hunter2@rime.test", key: "key", message: "The environment variable RIME_ENDPOINT carries a user"},
		"only a key":      {key: "key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(envEndpoint, test.endpoint)
			t.Setenv(envAPIKey, test.key)
			t.Setenv(envURL, test.url)
			found := configured(t)
			switch {
			case test.message == "" && len(found) > 0:
				t.Errorf("unexpected: %s: %s", found[0].Summary, found[0].Detail)
			case test.message != "" && (len(found) != 1 || !strings.HasPrefix(found[0].Detail, test.message)):
				t.Errorf("got %v, want one that begins with %q", found, test.message)
			}
			for _, d := range found {
				if strings.Contains(d.Detail, "hunter2") {
					t.Error("the message shows a password")
				}
			}
		})
	}
}

// TestPlatform_precedence holds which registry is used when the configuration and the environment describe several.
func TestPlatform_precedence(t *testing.T) {
	none := map[string]tftypes.Value{}
	endpoint := map[string]tftypes.Value{"endpoint": tftypes.NewValue(tftypes.String, "rime.test"), "api_key": tftypes.NewValue(tftypes.String, "key")}
	embedded := map[string]tftypes.Value{"embedded_registry": embeddedValue(t, "registry.test")}
	both := maps.Clone(endpoint)
	maps.Copy(both, embedded)
	for name, test := range map[string]struct {
		attributes    map[string]tftypes.Value
		endpoint, url string
		platform      bool
	}{
		"configured endpoint":                       {endpoint, "", "", true},
		"configured endpoint, environment's url":    {endpoint, "", "registry.test", true},
		"environment's endpoint, environment's url": {none, "rime.test", "registry.test", true},
		"environment's url":                         {none, "", "registry.test", false},
		"both configured":                           {both, "", "", true},
		"configured registry, all of environment":   {embedded, "rime.test", "registry.test", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(envEndpoint, test.endpoint)
			t.Setenv(envAPIKey, "key")
			t.Setenv(envURL, test.url)
			server := newProtoServer(t, New("test"))
			resp, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: server.value(server.schema.Provider, test.attributes)})
			server.expectNone(resp.Diagnostics, err)
			// Only the embedded registry knows which Python versions there are.
			if got := pythonVersions(t.Context(), t, test.attributes) == nil; got != test.platform {
				t.Errorf("a RIME platform is used: %t", got)
			}
		})
	}
}

// A key that the platform refuses is one error with advice, however many images there are.
func TestPlatform_keyRefusedOnce(t *testing.T) {
	t.Parallel()
	platform := startPlatform(t, sandbox.Options{})
	server := newProtoServer(t, New("test"))
	configured, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: server.value(server.schema.Provider, map[string]tftypes.Value{
		"endpoint": tftypes.NewValue(tftypes.String, platform.URL), "api_key": tftypes.NewValue(tftypes.String, sandbox.KeyExpired),
	})})
	server.expectNone(configured.Diagnostics, err)
	for i, want := range []string{"Make a new token", "another error of this run", "another error of this run"} {
		name := map[string]tftypes.Value{"name": tftypes.NewValue(tftypes.String, fmt.Sprintf("image-%d", i))}
		read, err := server.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{
			TypeName: managedImageType, Config: server.value(server.schema.DataSourceSchemas[managedImageType], name),
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(read.Diagnostics) != 1 || !strings.Contains(read.Diagnostics[0].Detail, want) || !strings.Contains(read.Diagnostics[0].Detail, fmt.Sprintf(`"image-%d"`, i)) {
			t.Errorf("image %d: %v, want %q", i, read.Diagnostics, want)
		}
	}
}

// embeddedValue is an embedded_registry at that address.
func embeddedValue(t *testing.T, url string) tftypes.Value {
	t.Helper()
	object, ok := newProtoServer(t, New("test")).schema.Provider.ValueType().(tftypes.Object).AttributeTypes["embedded_registry"].(tftypes.Object)
	if !ok {
		t.Fatal("the embedded registry's configuration is no object")
	}
	values := map[string]tftypes.Value{}
	for name, attribute := range object.AttributeTypes {
		values[name] = tftypes.NewValue(attribute, nil)
	}
	values["url"] = tftypes.NewValue(tftypes.String, url)
	return tftypes.NewValue(object, values)
}

func pythonVersions(ctx context.Context, t *testing.T, attributes map[string]tftypes.Value) []string {
	t.Helper()
	p, ok := New("test")().(*rimeProvider)
	if !ok {
		t.Fatal("not our provider")
	}
	var schema provider.SchemaResponse
	p.Schema(ctx, provider.SchemaRequest{}, &schema)
	object, ok := schema.Schema.Type().TerraformType(ctx).(tftypes.Object)
	if !ok {
		t.Fatal("the provider's configuration is no object")
	}
	values := map[string]tftypes.Value{}
	for name, attribute := range object.AttributeTypes {
		values[name] = tftypes.NewValue(attribute, nil)
	}
	maps.Copy(values, attributes)
	made, d := p.clients(ctx, withoutSlips(ctx, tfsdk.Config{Schema: schema.Schema, Raw: tftypes.NewValue(object, values)}))
	if d.HasError() {
		t.Fatal(d)
	}
	return made.pythonVersions
}
