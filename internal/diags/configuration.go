package diags

import (
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

var (
	// ErrNoRegistry is a provider configuration without a registry of managed images.
	ErrNoRegistry = errors.New("no registry of managed images is configured")
	// ErrNotKnownYet is a provider configuration with values that are known only after an apply.
	ErrNotKnownYet = errors.New("the provider's configuration is not known yet")
	// ErrNotConfigured is a resource or data source that was never given the provider's data: our bug.
	ErrNotConfigured = errors.New("the provider was not configured")
)

// ConfigurationError is a provider configuration that cannot work, found when it was first used.
type ConfigurationError struct{ Err error }

// Error implements error.
func (e *ConfigurationError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *ConfigurationError) Unwrap() error { return e.Err }

// fromConfiguration describes what stands between a resource and its registry.
func fromConfiguration(err error) (diag.Diagnostic, bool) {
	if broken, ok := errors.AsType[*ConfigurationError](err); ok {
		return diag.NewErrorDiagnostic("Provider Configuration Cannot Be Used", text(
			"Tried to reach the registry of managed images that the provider's configuration describes.",
			"The reason it did not work:\n"+broken.Error(),
			"Correct the provider's configuration.",
		)), true
	}
	switch {
	case errors.Is(err, ErrNoRegistry):
		return noRegistry(), true
	case errors.Is(err, ErrNotKnownYet):
		return notKnownYet(), true
	case errors.Is(err, ErrNotConfigured):
		return UnexpectedProviderData(nil), true
	default:
		return nil, false
	}
}

func noRegistry() diag.Diagnostic {
	return diag.NewErrorDiagnostic("No Managed Image Registry Configured", text(
		"A managed image needs a registry, and the provider's configuration names none.",
		"Configure a RIME platform:\n"+
			"  provider \"rime\" {\n"+
			"    endpoint = \"https://rime.example.com\"\n"+
			"    api_key  = var.rime_api_key\n"+
			"  }\n"+
			"or set the environment variables RIME_ENDPOINT and RIME_API_KEY.",
		"Or configure the embedded registry, which keeps images in any OCI registry, or in ECR where `url` is left out, and builds them with BuildKit:\n"+
			"  provider \"rime\" {\n"+
			"    embedded_registry = {\n"+
			"      url               = \"registry.example.com:5000\"\n"+
			"      repository_prefix = \"ml-images\"\n"+
			"      buildkit          = { address = \"tcp://buildkitd:1234\" }\n"+
			"    }\n"+
			"  }\n"+
			"or set the environment variables RIME_EMBEDDED_REGISTRY_URL, RIME_EMBEDDED_REGISTRY_REPOSITORY_PREFIX and BUILDKIT_HOST.",
	))
}

func notKnownYet() diag.Diagnostic {
	return diag.NewErrorDiagnostic("Provider Configuration Not Known Yet", text(
		"The provider's configuration depends on values that are known only after an apply, and this has to ask the registry before.",
		"Apply the resources that those values come from first (`terraform apply -target=…`), or make this depend on them with `depends_on`.",
	))
}

// MissingValue describes an attribute that is needed and has no value.
func MissingValue(at path.Path, variable string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Missing Provider Configuration", text(
		fmt.Sprintf("%s has no value.", at),
		fmt.Sprintf("Set it, or the environment variable %s.", variable),
	))
}

// IncompletePackageIndex describes a package index without an address, or without packages that come from there.
func IncompletePackageIndex(at path.Path) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(at, "Incomplete Package Index", text(
		fmt.Sprintf("%s needs a url and at least one of packages.", at),
		`Write it like { url = "https://pypi.example.com", packages = ["torch"] }. An index for all packages stands in extra_index_urls.`,
	))
}

// InvalidEnvironment describes what a check of an environment variable found that stands in for an attribute.
func InvalidEnvironment(summary string, at path.Path, variable, value string, problem *Problem) diag.Diagnostic {
	subject := fmt.Sprintf("The environment variable %s = %q", variable, value)
	if problem.Secret {
		subject = "The environment variable " + variable
	}
	return diag.NewErrorDiagnostic(summary, text(
		subject+" "+problem.Text+".",
		sentence(problem.Suggestion),
		facts(fact{"Stands in for", at.String()}),
	))
}

// UnexpectedProviderData describes data from the provider that is not what its own resources expect.
func UnexpectedProviderData(got any) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Unexpected Provider Data", text(
		fmt.Sprintf("The provider handed %T to one of its own resources or data sources.", got),
		"This is always a bug in the provider and should be reported to its developers.",
	))
}

// DriftNotChecked warns that a refresh left an image as the state has it.
func DriftNotChecked(name string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Managed Image Not Refreshed", text(
		fmt.Sprintf("Managed image %q is shown as the state has it: where its registry is will be known only after an apply.", name),
		"Plan again after the apply to see whether it has changed.",
	))
}
