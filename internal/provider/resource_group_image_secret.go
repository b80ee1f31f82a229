package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// checkSecret refuses an image pull secret that is given by its name, as PrimeHub's portal shows it, where its id belongs. Plan and apply both ask: what a plan does not know yet, or could not
// find out, the apply checks. prior is nil for an image that is to be created; a secret that does not change is not looked for.
func (r *groupImageResource) checkSecret(ctx context.Context, plan groupImageModel, prior *groupImageModel) diag.Diagnostics {
	at, secret := plan.secret(ctx)
	if secret == "" {
		return nil
	}
	if prior != nil {
		if _, before := prior.secret(ctx); before == secret {
			return nil
		}
	}
	client, err := r.hub()
	if err != nil {
		return nil // it matters elsewhere
	}
	meant, found, err := client.SecretMeant(ctx, secret)
	if err != nil {
		tflog.Warn(ctx, "the image pull secret could not be checked", map[string]any{"secret": secret, "error": redact.Text(err.Error())})
	}
	if !found {
		return nil
	}
	return diag.Diagnostics{diags.PullSecretByName(at, meant.Name, meant.ID)}
}

// secret is the image pull secret that the image, or its base image, is pulled with, and where it is configured. Empty where there is none, or none is known yet.
func (m *groupImageModel) secret(ctx context.Context) (at path.Path, id string) {
	if existing, ok := asModel[existingModel](ctx, m.Existing); ok {
		return pathExisting.AtName("image_pull_secret"), existing.PullSecret.ValueString()
	}
	build, _ := asModel[groupBuildModel](ctx, m.Build)
	return path.Root("build").AtName("image_pull_secret"), build.PullSecret.ValueString()
}
