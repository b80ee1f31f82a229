package provider

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// primehubAccess is the way to the PrimeHub platform that the provider's configuration describes.
type primehubAccess struct {
	// client is made when it is first asked for, once. Its errors are those of package diags.
	client func() (*primehub.Client, error)
	// group is the name of the group that is meant where none is given: empty for none, unknown as long as the configuration is.
	group types.String
	// refused is set once a plan has said that the API token is not accepted: one such error is enough.
	refused *atomic.Bool
	// planned are the names of the images that this walk of Terraform has planned.
	planned *plannedNames
}

// primehubPlatform reads what concerns PrimeHub. It contacts nothing.
func (p *rimeProvider) primehubPlatform(ctx context.Context, config tfsdk.Config) (primehubAccess, diag.Diagnostics) {
	planned := new(plannedNames)
	refuse := func(err error, group types.String) primehubAccess {
		return primehubAccess{client: func() (*primehub.Client, error) { return nil, err }, group: group, planned: planned}
	}
	if !known(ctx, config, "primehub", "http") {
		return refuse(diags.ErrNotKnownYet, types.StringUnknown()), nil
	}
	settings, d, fileErr := readPrimeHub(ctx, config)
	group := types.StringValue(settings.Group)
	switch {
	case fileErr != nil:
		return refuse(&diags.ConfigurationError{Err: fileErr}, group), d
	case settings.Endpoint == "" || settings.APIToken == "":
		return refuse(diags.ErrNoPrimeHub, group), d
	}
	var h *httpModel
	d.Append(config.GetAttribute(ctx, path.Root("http"), &h)...)
	h = h.withDefaults()
	return primehubAccess{group: group, refused: new(atomic.Bool), planned: planned, client: sync.OnceValues(func() (*primehub.Client, error) {
		client, err := p.newPrimeHub(settings, h)
		if err != nil {
			return nil, &diags.ConfigurationError{Err: err}
		}
		p.end.add(client.Settle)
		return client, nil
	})}, d
}

func (p *rimeProvider) newPrimeHub(settings primehub.Settings, h *httpModel) (*primehub.Client, error) {
	c, err := newConnection(h)
	if err != nil {
		return nil, err
	}
	return primehub.New(primehub.Config{
		Endpoint:       settings.Endpoint,
		APIToken:       settings.APIToken,
		Transport:      c.transport,
		UserAgent:      "terraform-provider-rime/" + p.version,
		RequestTimeout: c.timeout,
		Retries:        c.retries,
		Timing:         p.primehubTiming,
		Lifelines:      p.lifelines(),
		Observe:        logExchange("request to the PrimeHub platform"),
	})
}
