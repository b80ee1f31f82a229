package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// invalidImages are configurations that are refused before anything is contacted, with what is said about each.
var invalidImages = map[string]struct{ body, message string }{
	"neither name nor prefix": {
		`python_version = "3.11"`,
		`Missing Managed Image Name § On a RIME platform, write ` + "`name_prefix`" + ` together with`,
	},
	"both name and prefix": {
		"name = \"a\"\n name_prefix = \"a-\"",
		`Two Managed Image Names § On a RIME platform, write ` + "`name_prefix`" + ` together with`,
	},
	"upper case name": {
		`name = "My.Image"`,
		`Invalid Managed Image Name § name = "My.Image" must start with a lower-case letter and hold only lower-case letters, digits and single hyphens or underscores between them. Write "my-image".`,
	},
	"name with a doubled separator": {`name = "my--image"`, `Invalid Managed Image Name § Write "my-image".`},
	"name that ends with a hyphen":  {`name = "image-"`, `Invalid Managed Image Name § Write "image".`},
	"name of digits":                {`name = "42"`, `Invalid Managed Image Name § name = "42" must start with a lower-case letter`},
	"empty name":                    {`name = ""`, `Invalid Managed Image Name § name = "" must start with a lower-case letter`},
	"long name": {
		`name = "` + strings.Repeat("a", 129) + `"`,
		`Invalid Managed Image Name § is longer than 128 characters, which is more than registries are sure to take.`,
	},
	"prefix with a doubled separator": {`name_prefix = "my--"`, `Invalid Managed Image Name Prefix § Write "my-".`},
	"prefix with upper case":          {`name_prefix = "My-"`, `Invalid Managed Image Name Prefix § Write "my-".`},
	"long prefix": {
		`name_prefix = "` + strings.Repeat("a", 121) + `"`,
		`Invalid Managed Image Name Prefix § is longer than 120 characters, which with 8 more for the hash`,
	},
	"python as a number": {
		"name = \"a\"\n python_version = 3.10",
		`Invalid Python Version § python_version = "3.1" is not a Python version this provider knows; 3.10 without quotes is a number and loses its last zero. Write "3.10", in quotes.`,
	},
	"python with patch version": {"name = \"a\"\n python_version = \"3.10.2\"", `Invalid Python Version § must be major and minor version only, as a string like "3.11". Write "3.10".`},
	"python major version only": {"name = \"a\"\n python_version = \"3\"", `Invalid Python Version § python_version = "3" must be major and minor version only`},
	"python with its name":      {"name = \"a\"\n python_version = \"python3.10\"", `Invalid Python Version § Write "3.10".`},
	"python with wrong letters": {"name = \"a\"\n python_version = \"latest\"", `Invalid Python Version § python_version = "latest" must be major and minor version only`},

	"pip: empty name": {
		"name = \"a\"\n pip_requirements = [\"\"]",
		`Invalid Pip Requirement § pip_requirements`,
	},
	"pip: bad specifier": {
		"name = \"a\"\n pip_requirements = [\"numpy=1.0\"]",
		`Invalid Pip Requirement § pip_requirements: "numpy=1.0" cannot be used: "=" is not an operator of PEP 440. § Write "numpy==1.0".`,
	},
	"pip: impossible specifier": {
		"name = \"a\"\n pip_requirements = [\"numpy>2,<1\"]",
		`Invalid Pip Requirement § can be met by no version`,
	},
	"lock file: no lock": {
		"name = \"a\"\n pip_lock_file = \"numpy==1.0\\nscipy==1.0\"",
		`Invalid Lock File § Line 1 of the lock: "numpy==1.0" has no hash, and no other line has one, so that this is no lock; write one with pip-compile --generate-hashes`,
	},
	"lock file: of the project": {
		"name = \"a\"\n pip_lock_file = \"-e .\"",
		`Invalid Lock File § Line 1 of the lock: "-e ." is on the machine where the lock was made, which an image cannot have; write the lock without it: uv export --no-emit-project`,
	},
	"pip: twice, impossible": {
		"name = \"a\"\n pip_requirements = [\"numpy>2\", \"NumPy<1\"]",
		`Invalid Pip Requirement § pip_requirements: "numpy>2,<1" can be met by no version: ">2" and "<1" exclude each other.`,
	},
	"pip: null":     {"name = \"a\"\n pip_requirements = [null]", `Null Element § pip_requirements holds null, which asks for nothing. § Leave the element out`},
	"package: null": {"name = \"a\"\n apt_packages = [null]", `Null Element § apt_packages holds null`},
	"package: of two kinds": {
		"name = \"a\"\n apt_packages = [\"git\"]\n rocky_linux_packages = [\"git\"]",
		`Two Package Managers § an image has one package manager`,
	},
	"package: bad name of Rocky Linux": {
		"name = \"a\"\n rocky_linux_packages = [\"@development\"]",
		`Invalid Package Requirement § rocky_linux_packages: "@development"`,
	},
	"package: an object": {"name = \"a\"\n apt_packages = [{ name = \"git\" }]", `string required`},
	"pip: an object":     {"name = \"a\"\n pip_requirements = [{ name = \"git\" }]", `string required`},
	"package: bad name": {
		"name = \"a\"\n apt_packages = [\"vim; rm -rf /\"]",
		`Invalid Package Requirement § apt_packages: "vim; rm -rf /"`,
	},
	"package: version range": {
		"name = \"a\"\n apt_packages = [\"vim=>=9\"]",
		`Invalid Package Requirement § apt_packages: "vim=>=9" cannot be used: "=>=9" makes a range`,
	},
	"package: twice": {
		"name = \"a\"\n apt_packages = [\"vim\", \"vim=9\"]",
		`Invalid Package Requirement § are two versions of one package`,
	},
	"deletion policy":   {"name = \"a\"\n deletion_policy = \"keep\"", `Attribute deletion_policy value must be one of: ["delete" "retain"], got: "keep"`},
	"null trigger":      {"name = \"a\"\n triggers = { weekly = null }", `Null Trigger § triggers["weekly"] is null. A trigger needs a text. § Remove the key, or write triggers = { weekly = "" }.`},
	"timeout":           {"name = \"a\"\n timeouts = { create = \"long\" }", `Invalid Duration § timeouts["create"] = "long" must be a positive number with a unit. Write it like "60s" or "2m30s".`},
	"negative timeout":  {"name = \"a\"\n timeouts = { delete = \"-1h\" }", `Invalid Duration § timeouts["delete"] = "-1h" must be a positive`},
	"unit forgotten":    {"name = \"a\"\n timeouts = { read = \"90\" }", `Invalid Duration § Write "90s" for seconds or "90m" for minutes.`},
	"computed is given": {"name = \"a\"\n status = \"ready\"", `Invalid Configuration for Read-Only Attribute`},
}

func TestManagedImage_invalidConfig(t *testing.T) {
	t.Parallel()
	for name, invalid := range invalidImages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectRefused(t, newUpdatingRegistry(), "resource \"rime_managed_image\" \"test\" {\n"+invalid.body+"\n}", invalid.message)
		})
	}
}

// TestLockFileText_empty leaves it to another check to refuse an empty lock, so that it is told once.
func TestLockFileText_empty(t *testing.T) {
	t.Parallel()
	var resp validator.StringResponse
	lockFileText{}.ValidateString(t.Context(), validator.StringRequest{ConfigValue: types.StringValue("")}, &resp)
	if len(resp.Diagnostics) > 0 {
		t.Error(resp.Diagnostics)
	}
}

// expectRefused plans the configuration and expects the messages, separated by §, in that order.
func expectRefused(t *testing.T, registry updatingRegistry, config, messages string) {
	t.Helper()
	refuses(t, New("test", WithRegistry(registry)), config, messages)
	registry.expectChanges(t)
}
