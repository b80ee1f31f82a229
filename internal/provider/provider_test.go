package provider

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

const anImage = `
resource "rime_managed_image" "test" {
  name = "sklearn"
}`

func TestProvider_noRegistry(t *testing.T) {
	t.Parallel()
	planned(t, anImage, `No Managed Image Registry Configured with rime_managed_image.test § provider "rime" { embedded_registry = { url = "registry.example.com:5000" § RIME_EMBEDDED_REGISTRY_URL`)
}

func TestProvider_invalidConfig(t *testing.T) {
	t.Parallel()
	embedded := func(body string) string { return "embedded_registry = {\nurl = \"registry.test\"\n" + body + "\n}" }
	address := func(url string) string { return `embedded_registry = { url = "` + url + `" }` }
	for name, invalid := range map[string]struct{ body, message string }{
		"no url, no region": {"embedded_registry = {}\naws = { region = \"mars-1\" }", `Provider Configuration Cannot Be Used § "mars-1" is no AWS region`},
		"scheme":            {address("https://registry.test:5000"), `Invalid Registry Address § embedded_registry.url = "https://registry.test:5000" must not have a scheme. Write "registry.test:5000".`},
		"user":              {address("ada:hunter2@registry.test"), `Invalid Registry Address § embedded_registry.url carries a user or password § Write "registry.test".`},
		"path":              {address("registry.test/ml/images/"), `Invalid Registry Address § must not have a path. Write "registry.test" and repository_prefix = "ml/images".`},
		"slash":             {address("registry.test/"), `Invalid Registry Address § must not end with a slash. Write "registry.test".`},
		"no host":           {address("a b"), `Invalid Registry Address § "a b" is not the host and port of a registry.`},
		"prefix":            {embedded(`repository_prefix = "/ML/"`), `Invalid Repository Prefix § embedded_registry.repository_prefix = "/ML/" must be lower-case § Write "ml".`},
		"long prefix":       {embedded(`repository_prefix = "` + strings.Repeat("a", 127) + `"`), `Invalid Repository Prefix § is longer than 126 characters.`},
		"base images":       {embedded(`base_images = {}`), `base_images map must contain at least 1 elements`},
		"base image key":    {embedded(`base_images = { "3.11.2" = "python:3.11" }`), `Invalid Python Version § Write "3.11".`},
		"base image":        {embedded(`base_images = { "3.11" = "docker://python:3.11" }`), `Invalid Image Reference § must not have a scheme. Write "python:3.11".`},
		"base image case":   {embedded(`base_images = { "3.11" = "Python:3.11" }`), `Invalid Image Reference § = "Python:3.11" is not an image reference.`},
		"buildkit scheme":   {embedded(`buildkit = { address = "http://buildkitd:1234" }`), `Invalid BuildKit Address § embedded_registry.buildkit.address = "http://buildkitd:1234" must begin with one of unix://, tcp://, docker-container://, kube-pod://, ssh://. Write "tcp://buildkitd:1234".`},
		"buildkit port":     {embedded(`buildkit = { address = "buildkitd:1234" }`), `Invalid BuildKit Address § Write "tcp://buildkitd:1234".`},
		"buildkit socket":   {embedded(`buildkit = { address = "/run/b.sock" }`), `Invalid BuildKit Address § Write "unix:///run/b.sock".`},
		"buildkit nonsense": {embedded(`buildkit = { address = "here" }`), `Invalid BuildKit Address § Write it like "tcp://buildkitd:1234"`},
		"certificate":       {embedded(`buildkit = { cert_file = "cert.pem" }`), `Invalid Attribute Combination § [embedded_registry.buildkit.cert_file,embedded_registry.buildkit.key_file]`},
		"platform":          {embedded(`platforms = ["arm64"]`), `Invalid Platform § = "arm64" must be an operating system and an architecture. Write "linux/arm64".`},
		"platform twice":    {embedded(`platforms = ["linux/amd64", "linux/amd64"]`), `Duplicate List Value`},
		"index url":         {embedded(`pip = { index_url = "ftp://ada:hunter2@pypi.test" }`), `Invalid Package Index URL § embedded_registry.pip.index_url must be an http or https URL.`},
		"extra index url":   {embedded(`pip = { extra_index_urls = ["pypi.test"] }`), `Invalid Package Index URL § embedded_registry.pip.extra_index_urls[0] must be an http or https URL.`},
		"own index url":     {embedded(`pip = { indexes = { own = { url = "pypi.test", packages = ["a"] } } }`), `Invalid Package Index URL § embedded_registry.pip.indexes["own"].url must be an http or https URL.`},
		"own index of all":  {embedded(`pip = { indexes = { own = { url = "https://pypi.test", packages = [] } } }`), `Incomplete Package Index § embedded_registry.pip.indexes["own"] needs a url and at least one of packages.`},
		"own index package": {embedded(`pip = { indexes = { own = { url = "https://pypi.test", packages = ["torch==2"] } } }`), `Invalid Package Name § "torch==2" is not the name of a Python package. Write it like "torch"`},
		"own index, no url": {embedded(`pip = { indexes = { own = { url = null, packages = ["torch"] } } }`), `Incomplete Package Index § embedded_registry.pip.indexes["own"] needs a url`},
		"cache":             {embedded(`cache = { ref = "https://a/b" }`), `Invalid Image Reference § Write "a/b".`},
		"cache mode":        {embedded(`cache = { ref = "a/b", mode = "all" }`), `embedded_registry.cache.mode value must be one of: ["min" "max"]`},
		"compression":       {embedded(`compression = "xz"`), `embedded_registry.compression value must be one of`},
		"parallel":          {embedded(`max_parallel_builds = 0`), `embedded_registry.max_parallel_builds value must be at least 1`},
		"timeout":           {`http = { request_timeout = "60" }`, `Invalid Duration § http.request_timeout = "60" must be a positive number with a unit. Write "60s" for seconds or "60m" for minutes.`},
		"api key":           {`api_key = ""`, `Empty Value § api_key = "" is empty. Write a value, or leave it out and set the environment variable RIME_API_KEY.`},
		"slip":              {"embedded_registry = { repository_prefx = \"ml\" }", `Unknown Attribute § embedded_registry has no attribute "repository_prefx". Write repository_prefix instead.`},
		"other case":        {"aws = { Region = \"eu-central-1\" }", `Empty Object § aws sets nothing. § check its spelling`}, // Terraform dropped it
		"service":           {"aws = { endpoints = { s3 = \"http://127.0.0.1:1\" } }", `Unknown Key § aws.endpoints has no key "s3".`},
		"retries":           {`http = { max_retries = -1 }`, `http.max_retries value must be between 0 and 20`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			planned(t, "provider \"rime\" {\n"+invalid.body+"\n}\n"+anImage, invalid.message)
		})
	}
}

func TestProvider_unsupportedPython(t *testing.T) {
	t.Parallel()
	image := "resource \"rime_managed_image\" \"test\" {\nname = \"a\"\npython_version = \"3.9\"\n}\n"
	planned(t, "provider \"rime\" {\nembedded_registry = { url = \"registry.test\" }\n}\n"+image,
		`Unsupported Python Version § python_version = "3.9", but the provider has no base image with that Python. Use one of 3.10, 3.11, 3.12, 3.13, 3.14, or add "3.9" to `)
	planned(t, `provider "rime" {
		embedded_registry = {
		url         = "registry.test"
		base_images = { "3.12" = "python:3.12-slim" }
		}
	}
`+image, `Use one of 3.12, or add "3.9"`)
}

// TestProvider_aptPackages has a RIME platform refuse packages that it cannot install.
func TestProvider_aptPackages(t *testing.T) {
	t.Parallel()
	planned(t, `provider "rime" {
	endpoint = "rime.test"
	api_key  = "k"
}
resource "rime_managed_image" "test" {
	name         = "a"
	apt_packages = ["libgomp1", "git=1:2.39"]
}
`, `Packages the Platform Cannot Install § Write rocky_linux_packages = ["git=1:2.39", "libgomp1"], with the names that the packages have there`)
}

// TestProvider_platformPips has a RIME platform refuse what its API cannot say: what is left of requirements is names and versions.
func TestProvider_platformPips(t *testing.T) {
	t.Parallel()
	const platform = `provider "rime" {
	endpoint = "rime.test"
	api_key  = "k"
}
`
	for requirement, want := range map[string]string{
		`pip_requirements = ["a @ https://files.example.com/a-1.0.zip"]`:         "comes from an address § Publish the package on the index that the platform uses",
		`pip_requirements = ["a; python_version < '3.9'"]`:                       "is not decided by what is known of the image § Write python_version",
		`pip_requirements = ["a; platform_machine == 'x86_64'"]`:                 "is not decided by what is known of the image",
		`pip_constraints = ["urllib3<2"]`:                                        "bounds packages that are not named § Name those packages in pip_requirements",
		`pip_lock_file = "a==1.0 --hash=sha256:` + strings.Repeat("0", 64) + `"`: "is a lock of files and hashes § Write exact versions",
	} {
		t.Run(requirement, func(t *testing.T) {
			t.Parallel()
			planned(t, platform+`resource "rime_managed_image" "test" {
	name = "a"
	`+requirement+`
}
`, "Requirement the Platform Cannot Take § "+want)
		})
	}
	server := newProtoServer(t, New("test"))
	blocks, ok := server.evaluate(platform + `resource "rime_managed_image" "test" {
	name             = "a"
	python_version   = "3.9"
	pip_requirements = ["a; python_version < '3.10'", "pywin32; sys_platform == 'win32'"]
}
`)
	if said := server.refusal(blocks); !ok || said != "nothing against it" {
		t.Errorf("markers that the image decides are refused: %s", said)
	}
}

// A configuration that nothing needs contacts nothing, whatever it says.
func TestProvider_contactsNothing(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	t.Cleanup(server.Close)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: asConfigured(),
		Steps: []resource.TestStep{{
			Config: `
				provider "rime" {
				  embedded_registry = {
				    url      = "` + strings.TrimPrefix(server.URL, "http://") + `"
				    buildkit = { address = "` + strings.Replace(server.URL, "http", "tcp", 1) + `" }
				  }
				  http = { ca_file = "/nowhere/ca.pem" }
				}` + anImage,
			PlanOnly: true, ExpectError: words(`Provider Configuration Cannot Be Used § http.ca_file: open /nowhere/ca.pem`),
		}, {
			Config: `
				provider "rime" {
				  embedded_registry = { url = "` + strings.TrimPrefix(server.URL, "http://") + `" }
				}
				resource "rime_managed_image" "test" { name = "a" }`,
			PlanOnly: true, ExpectNonEmptyPlan: true,
		}},
	})
	if n := requests.Load(); n != 0 {
		t.Errorf("planning a new image sent %d requests", n)
	}
}

// The values of a provider may come from resources that do not exist yet: then whatever needs them is put off.
func TestProvider_unknownConfig(t *testing.T) {
	t.Parallel()
	unknown := `
resource "terraform_data" "url" {
  input = "registry.test"
}
provider "rime" {
  embedded_registry = {
    url         = terraform_data.url.output
    base_images = { "3.12" = "python:3.12-slim" }
  }
}
`
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: asConfigured(),
		Steps: []resource.TestStep{
			{
				Config:   unknown + "resource \"rime_managed_image\" \"test\" {\nname = \"a\"\npython_version = \"3.9\"\n}\n",
				PlanOnly: true, ExpectNonEmptyPlan: true,
			},
			{
				Config:   unknown + `data "rime_managed_images" "test" {}`,
				PlanOnly: true, ExpectError: words(`Provider Configuration Not Known Yet`),
			},
		},
	})
}

// configured calls Configure over the protocol with an empty configuration, which leaves everything to the environment.
func configured(t *testing.T) []*tfprotov6.Diagnostic {
	t.Helper()
	server := newProtoServer(t, New("test"))
	resp, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: server.value(server.schema.Provider, nil)})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Diagnostics
}

// Not in parallel: the environment is the process's.
func TestProvider_environment(t *testing.T) {
	for name, environment := range map[string]struct{ url, prefix, buildkit, message string }{
		"nothing":  {},
		"complete": {url: "registry.test:5000", prefix: "ml/images", buildkit: "tcp://buildkitd:1234"},
		"url":      {url: "https://registry.test", message: `The environment variable RIME_EMBEDDED_REGISTRY_URL = "https://registry.test" must not have a scheme.`},
		"secret":   {url: "ada:hunter2@registry.test", message: `The environment variable RIME_EMBEDDED_REGISTRY_URL carries a user or password`},
		"prefix":   {url: "registry.test", prefix: "ML", message: `The environment variable RIME_EMBEDDED_REGISTRY_REPOSITORY_PREFIX = "ML" must be lower-case`},
		"buildkit": {url: "registry.test", buildkit: "here", message: `The environment variable BUILDKIT_HOST = "here" must begin with one of`},
		"unused":   {buildkit: "here"}, // of no interest as long as there is no registry
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(envURL, environment.url)
			t.Setenv(envRepositoryPrefix, environment.prefix)
			t.Setenv(envBuildkitAddress, environment.buildkit)
			found := configured(t)
			switch {
			case environment.message == "" && len(found) > 0:
				t.Errorf("unexpected: %s: %s", found[0].Summary, found[0].Detail)
			case environment.message != "" && (len(found) != 1 || !strings.HasPrefix(found[0].Detail, environment.message)):
				t.Errorf("got %v, want one that begins with %q", found, environment.message)
			}
			if len(found) > 0 && strings.Contains(found[0].Detail, "hunter2") {
				t.Error("the message shows a password")
			}
		})
	}
}

func TestProvider_fillsDataSlots(t *testing.T) {
	t.Parallel()
	p := New("1.2.3", WithRegistry(newFakeRegistry()))()
	server := providerserver.NewProtocol6(p)()
	if _, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{}); err != nil {
		t.Fatal(err)
	}
	resp := configureDirectly(t.Context(), p)
	for slot, data := range map[string]any{
		"resource": resp.ResourceData, "data source": resp.DataSourceData, "ephemeral resource": resp.EphemeralResourceData,
		"action": resp.ActionData, "list resource": resp.ListResourceData,
	} {
		if _, ok := data.(*clients); !ok {
			t.Errorf("the data of a %s is %T", slot, data)
		}
	}
}

// lookUp reads an image from a registry at that address, with that `http`, and expects the message.
func lookUp(t *testing.T, address, http, message string) {
	t.Helper()
	planned(t, `
		provider "rime" {
		  embedded_registry = { url = "`+address+`" }
		  http              = { `+http+` }
		}
		data "rime_managed_image" "test" {
		  name = "sklearn"
		}`, message)
}

func TestProvider_maxRetriesActs(t *testing.T) {
	t.Parallel()
	requests := func(http string) int32 {
		var asked atomic.Int32
		server := httptest.NewServer(unavailable(&asked))
		defer server.Close()
		lookUp(t, strings.TrimPrefix(server.URL, "http://"), http, `Unable to Read Managed Image § 503 Service Unavailable`)
		return asked.Load()
	}
	once, thrice := requests("max_retries = 0"), requests("max_retries = 2")
	if once == 0 || thrice != 3*once {
		t.Errorf("%d requests without repetitions, %d with two", once, thrice)
	}
}

func unavailable(asked *atomic.Int32) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
}

func TestProvider_requestTimeoutActs(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	began := time.Now()
	lookUp(t, strings.TrimPrefix(server.URL, "http://"), `request_timeout = "500ms"`, `Unable to Read Managed Image`)
	if took := time.Since(began); took > 4*time.Minute { // five attempts of a minute each is what it would be without
		t.Errorf("a request that may take 500ms took %s", took)
	}
}
