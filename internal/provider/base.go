package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// connected is what everything that Terraform configures has in common.
type connected struct{ *clients }

// connect takes over the provider's data. There is none while a configuration is only validated.
func (c *connected) connect(data any, d *diag.Diagnostics) {
	if data == nil {
		return
	}
	clients, ok := data.(*clients)
	if !ok {
		d.Append(diags.UnexpectedProviderData(data))
		return
	}
	c.clients = clients
}

// registry is the registry of managed images.
func (c *connected) registry(ctx context.Context) (imageregistry.Registry, error) {
	if c.clients == nil {
		return nil, diags.ErrNotConfigured
	}
	return c.images(ctx)
}

// hub is the PrimeHub platform.
func (c *connected) hub() (*primehub.Client, error) {
	if c.clients == nil {
		return nil, diags.ErrNotConfigured
	}
	return c.primehub.client()
}

// account is the client of AWS.
func (c *connected) account() (*awsregistry.Client, error) {
	if c.clients == nil {
		return nil, diags.ErrNotConfigured
	}
	return c.aws()
}

// resourceBase is embedded in every resource; it implements resource.ResourceWithConfigure.
type resourceBase struct{ connected }

// Configure implements resource.ResourceWithConfigure.
func (b *resourceBase) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	b.connect(req.ProviderData, &resp.Diagnostics)
}

// dataSourceBase is embedded in every data source; it implements datasource.DataSourceWithConfigure.
type dataSourceBase struct{ connected }

// Configure implements datasource.DataSourceWithConfigure.
func (b *dataSourceBase) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	b.connect(req.ProviderData, &resp.Diagnostics)
}
