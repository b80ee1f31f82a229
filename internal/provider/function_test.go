package provider

import (
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"
)

// call runs steps that call the provider's functions, which Terraform knows from 1.8 on.
func call(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_8_0)},
		ProtoV6ProviderFactories: withRegistry(newUpdatingRegistry()),
		Steps:                    steps,
	})
}

// result expects what the function returns of an expression.
func result(expression string, want knownvalue.Check) resource.TestStep {
	return resource.TestStep{
		Config:            "output \"a\" {\n  value = provider::rime::" + expression + "\n}\n",
		ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("a", want)},
	}
}

// refused expects that the function refuses an expression, in these words, whatever the breaks of lines.
func refused(expression, words string) resource.TestStep {
	return resource.TestStep{
		Config:      "output \"a\" {\n  value = provider::rime::" + expression + "\n}\n",
		ExpectError: regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(words), " ", `[\s│]+`)),
	}
}

func TestFunction_parsePipRequirements(t *testing.T) {
	t.Parallel()
	call(t,
		result(`parse_pip_requirements("NumPy >= 1.26, <2  # a comment\nscipy\nnumpy<2,>=1.26.0\n")`, knownvalue.SetExact([]knownvalue.Check{
			text("numpy>=1.26,<2"), text("scipy"),
		})),
		result(`parse_pip_requirements("")`, knownvalue.SetSizeExact(0)),
		result(`parse_pip_requirements("-r a/base.txt\n-c c.txt\nscipy", { "a/base.txt" = "-r more.txt" }, { "a/more.txt" = "numpy", "c.txt" = "numpy<2" })`,
			knownvalue.SetExact([]knownvalue.Check{text("numpy<2"), text("scipy")})),
		refused(`parse_pip_requirements("scipy\n-r other.txt\n")`, `Line 2: "-r other.txt" cannot be used: "-r" names the file "other.txt", whose text was not passed. `+
			`Pass { "other.txt" = file("${path.module}/other.txt") } as the function's second argument.`),
		refused(`parse_pip_requirements("numpy>2\n-r b.txt\n", { "b.txt" = "\nnumpy<1" })`,
			`Line 2 of "b.txt": "numpy>2,<1" can be met by no version: ">2" (line 1) and "<1" (line 2 of "b.txt") exclude each other.`),
	)
}

// The requirements of a file that something else writes may be known as late as anything.
func TestFunction_unknown(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	run(t, registry, resource.TestStep{
		Config: `
resource "terraform_data" "file" {
  input = "numpy>=1\nscipy"
}

resource "rime_managed_image" "a" {
  name             = "model"
  pip_requirements = provider::rime::parse_pip_requirements(terraform_data.file.output)
}
`,
		Check: resource.TestCheckResourceAttr("rime_managed_image.a", "pip_requirements.#", "2"),
	})
}

func TestFunction_parseCondaSpec(t *testing.T) {
	t.Parallel()
	call(t,
		result(`parse_conda_spec("conda-forge/linux-64::NumPy=1.26.*=py311_0[license='BSD', track_features=blas]")`, knownvalue.ObjectExact(map[string]knownvalue.Check{
			"channel": text("conda-forge"), "subdir": text("linux-64"), "namespace": knownvalue.Null(), "name": text("numpy"),
			"version": text("=1.26.*"), "build": text("py311_0"),
			"attributes": knownvalue.MapExact(map[string]knownvalue.Check{"license": text("BSD"), "track_features": text("blas")}),
		})),
		result(`parse_conda_spec("numpy")`, knownvalue.ObjectExact(map[string]knownvalue.Check{
			"channel": knownvalue.Null(), "subdir": knownvalue.Null(), "namespace": knownvalue.Null(), "name": text("numpy"),
			"version": knownvalue.Null(), "build": knownvalue.Null(), "attributes": knownvalue.MapSizeExact(0),
		})),
		refused(`parse_conda_spec("numpy@1.17")`, `"numpy@1.17" has an "@", which conda does not know. Write "numpy==1.17".`),
		refused(`parse_conda_spec("-c conda-forge::numpy==1.17*")`, `"-c conda-forge::numpy==1.17*" begins with an option, which is not part of a specification. Write "conda-forge::numpy=1.17*".`), // as in PrimeHub's documents
	)
}

func TestFunction_repositoryName(t *testing.T) {
	t.Parallel()
	call(t,
		result(`repository_name("ml-images/prod", "sklearn-serving")`, text("ml-images/prod/sklearn-serving")),
		result(`repository_name("", "sklearn-serving")`, text("sklearn-serving")),
		refused(`repository_name("/ML/", "sklearn-serving")`, `Invalid value for "prefix" parameter: "/ML/" must be lower-case letters and digits, with single dots, underscores, hyphens or slashes between them. Write "ml".`),
		refused(`repository_name("ml", "My.Image")`, `Invalid value for "name" parameter: "My.Image" `+imageNameRule+`.`),
	)
}
