package diags

import (
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// ErrNoPrimeHub is a provider configuration without a PrimeHub platform.
var ErrNoPrimeHub = errors.New("no PrimeHub platform is configured")

// primehubConfiguration describes what stands between a resource and its PrimeHub platform.
func primehubConfiguration(_ PrimeHubOperation, _ string, err error) diag.Diagnostic {
	if refused, ok := errors.AsType[*primehub.ConfigError](err); ok {
		return primehubConfig(refused)
	}
	if errors.Is(err, ErrNoPrimeHub) {
		return diag.NewErrorDiagnostic("No PrimeHub Platform Configured", text(
			"A group image needs a PrimeHub platform, and the provider's configuration names none, or no API token for it.",
			"Configure one:\n"+
				"  provider \"rime\" {\n"+
				"    primehub = {\n"+
				"      endpoint  = \"https://primehub.example.com/api/graphql\"\n"+
				"      api_token = var.primehub_api_token\n"+
				"    }\n"+
				"  }\n"+
				"or set the environment variables PRIMEHUB_API_ENDPOINT and PRIMEHUB_API_TOKEN, or let PrimeHub's SDK write ~/.primehub/config.json.",
		))
	}
	d, _ := fromConfiguration(err)
	return d
}

func primehubConfig(err *primehub.ConfigError) diag.Diagnostic {
	return diag.NewErrorDiagnostic("PrimeHub Configuration Cannot Be Used", text(
		"Tried to reach the PrimeHub platform that the provider's configuration, the environment or ~/.primehub/config.json describes.",
		"The reason it did not work:\n"+err.Error(),
		"Correct `primehub` of the provider, or what stands in for it: PRIMEHUB_API_ENDPOINT, PRIMEHUB_API_TOKEN, or the file.",
	))
}

// InvalidEntries describes what a check found in the entries of a list of packages, each at its element.
func InvalidEntries(at path.Path, refused []*requirement.RefusedEntry) diag.Diagnostics {
	var all diag.Diagnostics
	for _, entry := range refused {
		element, problem := at.AtListIndex(entry.Index), entry.Err.Problem
		if entry.Err.Offending != "" && entry.Err.Offending != entry.Err.Text {
			problem = fmt.Sprintf("cannot be used: %q %s", entry.Err.Offending, problem)
		}
		all.Append(diag.NewAttributeErrorDiagnostic(element, "Invalid PrimeHub Package Entry", text(
			fmt.Sprintf("%s = %q %s.", element, entry.Err.Text, problem),
			sentence(entry.Err.Suggestion),
		)))
	}
	return all
}
