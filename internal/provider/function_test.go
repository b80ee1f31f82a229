package provider

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// results are calls of functions, with what they return.
var results = []struct {
	call string
	want knownvalue.Check
}{
	{
		`parse_pip_requirements("NumPy >= 1.26, <2  # a comment\nscipy\nnumpy<2,>=1.26.0\n")`,
		knownvalue.SetExact([]knownvalue.Check{text("numpy>=1.26,<2"), text("scipy")}),
	},
	{`parse_pip_requirements("")`, knownvalue.SetSizeExact(0)},
	{
		`parse_pip_requirements("-r a/base.txt\n-c c.txt\nscipy", { "a/base.txt" = "-r more.txt" }, { "a/more.txt" = "numpy", "c.txt" = "numpy<2" })`,
		knownvalue.SetExact([]knownvalue.Check{text("numpy<2"), text("scipy")}),
	},
	{
		`parse_pip_requirements("a; python_version < '3.9'\ngit+https://h.test/o/b.git@v1\n-c c.txt", { "c.txt" = "a<2" })`,
		knownvalue.SetExact([]knownvalue.Check{text(`a<2; python_version < "3.9"`), text("b @ git+https://h.test/o/b.git@v1")}),
	},
	{
		`read_pip_file("-i https://h.test/simple\n--extra-index-url https://i.test\n-f https://i.test/links.html\n-c c.txt\nnumpy", { "c.txt" = "numpy<2\nscipy<1" })`,
		knownvalue.ObjectExact(map[string]knownvalue.Check{
			"requirements": knownvalue.SetExact([]knownvalue.Check{text("numpy")}), "constraints": knownvalue.SetExact([]knownvalue.Check{text("numpy<2"), text("scipy<1")}),
			"index_url": text("https://h.test/simple"), "extra_index_urls": knownvalue.ListExact([]knownvalue.Check{text("https://i.test")}),
			"find_links": knownvalue.ListExact([]knownvalue.Check{text("https://i.test/links.html")}),
		}),
	},
	{
		`read_pip_file("")`,
		knownvalue.ObjectExact(map[string]knownvalue.Check{
			"requirements": knownvalue.SetSizeExact(0), "constraints": knownvalue.SetSizeExact(0), "index_url": knownvalue.Null(),
			"extra_index_urls": knownvalue.ListSizeExact(0), "find_links": knownvalue.ListSizeExact(0),
		}),
	},
	{
		`parse_conda_spec("conda-forge/linux-64::NumPy=1.26.*=py311_0[license='BSD', track_features=blas]")`,
		knownvalue.ObjectExact(map[string]knownvalue.Check{
			"channel": text("conda-forge"), "subdir": text("linux-64"), "namespace": knownvalue.Null(), "name": text("numpy"),
			"version": text("=1.26.*"), "build": text("py311_0"),
			"attributes": knownvalue.MapExact(map[string]knownvalue.Check{"license": text("BSD"), "track_features": text("blas")}),
		}),
	},
	{
		`parse_conda_spec("numpy")`,
		knownvalue.ObjectExact(map[string]knownvalue.Check{
			"channel": knownvalue.Null(), "subdir": knownvalue.Null(), "namespace": knownvalue.Null(), "name": text("numpy"),
			"version": knownvalue.Null(), "build": knownvalue.Null(), "attributes": knownvalue.MapSizeExact(0),
		}),
	},
	{`repository_name("ml-images/prod", "sklearn-serving")`, text("ml-images/prod/sklearn-serving")},
	{`repository_name("", "sklearn-serving")`, text("sklearn-serving")},
}

// refusals are calls of functions, with what is said about them, whatever the breaks of lines.
var refusals = []struct{ call, message string }{
	{
		`parse_pip_requirements("scipy\n-r other.txt\n")`,
		`Line 2: "-r other.txt" cannot be used: "-r" names the file "other.txt", whose text was not passed. ` +
			`Pass { "other.txt" = file("${path.module}/other.txt") } as the function's second argument.`,
	},
	{
		`parse_pip_requirements("numpy>2\n-r b.txt\n", { "b.txt" = "\nnumpy<1" })`,
		`Line 2 of "b.txt": "numpy>2,<1" can be met by no version: ">2" (line 1) and "<1" (line 2 of "b.txt") exclude each other.`,
	},
	{
		`parse_pip_requirements("--extra-index-url https://u:pw@h.test/t0ken\nscipy")`,
		`Line 1: "--extra-index-url https://h.test/***" cannot be used: "--extra-index-url" is a setting of the provider: extra_index_urls of pip in embedded_registry. ` +
			`Read the file with the function read_pip_file, which returns it, or set it there and leave the line out; on a platform its administrator does.`,
	},
	{
		`parse_pip_requirements("numpy\n-c c.txt", { "c.txt" = "scipy<1" })`,
		`Line 1 of "c.txt": "scipy<1" is a constraint of a distribution that no requirement names, and requirements cannot hold it. ` +
			`Read the file with the function read_pip_file, whose constraints are for pip_constraints.`,
	},
	{
		`read_pip_file("numpy==1 --hash=sha256:0a")`,
		`Line 1: "numpy==1 --hash=sha256:0a" cannot be used: "--hash" fixes the file, and requirements hold versions only. ` +
			`Pass the whole text to pip_lock_file instead, which installs just the files that it fixes.`,
	},
	{`parse_conda_spec("numpy@1.17")`, `"numpy@1.17" has an "@", which conda does not know. Write "numpy==1.17".`},
	{ // as in PrimeHub's documents
		`parse_conda_spec("-c conda-forge::numpy==1.17*")`,
		`"-c conda-forge::numpy==1.17*" begins with an option, which is not part of a specification. Write "conda-forge::numpy=1.17*".`,
	},
	{
		`repository_name("/ML/", "sklearn-serving")`,
		`Invalid value for "prefix" parameter: "/ML/" must be lower-case letters and digits, ` +
			`with single dots, underscores, hyphens or slashes between them. Write "ml".`,
	},
	{`repository_name("ml", "My.Image")`, `Invalid value for "name" parameter: "My.Image" ` + imageNameRule + `.`},
}

// output is a configuration that calls a function.
func output(number int, call string) string {
	return fmt.Sprintf("output \"a%d\" {\n  value = provider::rime::%s\n}\n", number, call)
}

// What the requirements come from may be known as late as anything.
func TestFunction_results(t *testing.T) {
	t.Parallel()
	config := `
resource "terraform_data" "file" {
  input = "numpy>=1\nscipy"
}

resource "rime_managed_image" "a" {
  name             = "model"
  pip_requirements = provider::rime::parse_pip_requirements(terraform_data.file.output)
}
`
	checks := []statecheck.StateCheck{
		statecheck.ExpectKnownValue("rime_managed_image.a", tfjsonpath.New("pip_requirements"), knownvalue.SetSizeExact(2)),
	}
	for i, result := range results {
		config += output(i, result.call)
		checks = append(checks, statecheck.ExpectKnownOutputValue(fmt.Sprintf("a%d", i), result.want))
	}
	run(t, newUpdatingRegistry(), resource.TestStep{Config: config, ConfigStateChecks: checks})
}

// Terraform shows all refusals of one plan.
func TestFunction_refusals(t *testing.T) {
	t.Parallel()
	var config strings.Builder
	for i, refusal := range refusals {
		config.WriteString(output(i, refusal.call))
	}
	refused := false
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: withRegistry(newUpdatingRegistry()),
		Steps:                    []resource.TestStep{{Config: config.String(), PlanOnly: true}},
		ErrorCheck: func(err error) error {
			refused = true
			for _, refusal := range refusals {
				if !words(refusal.message).MatchString(err.Error()) {
					t.Errorf("%s: want %q, got\n%v", refusal.call, refusal.message, err)
				}
			}
			return nil
		},
	})
	if !refused {
		t.Error("nothing was refused")
	}
}
