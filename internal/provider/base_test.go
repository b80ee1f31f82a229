package provider

import (
	"errors"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

func TestConnected(t *testing.T) {
	t.Parallel()
	var validating connected
	var d diag.Diagnostics
	validating.connect(nil, &d) // a configuration that is only validated has no provider
	if d.HasError() {
		t.Error(d)
	}
	if _, err := validating.registry(t.Context()); !errors.Is(err, diags.ErrNotConfigured) {
		t.Errorf("a registry without a provider: %v", err)
	}
	validating.connect("something else", &d)
	if len(d) != 1 || d[0].Summary() != "Unexpected Provider Data" {
		t.Errorf("foreign data: %v", d)
	}
	registry := newFakeRegistry()
	validating.connect(&clients{images: withoutContext(always[imageregistry.Registry](registry, nil))}, &d)
	if got, err := validating.registry(t.Context()); err != nil || got != registry {
		t.Errorf("got %v, %v", got, err)
	}
}
