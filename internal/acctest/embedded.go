package acctest

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// Embedded is a provider configuration with the embedded registry. What is empty is what all tests share.
type Embedded struct {
	// Registry is the host and port of the OCI registry. Empty: the configuration names none, so that it is that of the AWS account.
	Registry string
	// BuildKit is the address of the BuildKit daemon.
	BuildKit string
	// Index is the address of the package index.
	Index string
	// Pip is the whole attribute pip, in place of Index ("{ config = var.pip_conf }").
	Pip string
	// Settings are further lines within the block.
	Settings []string
	// Others are further lines of the provider, outside the block.
	Others []string
}

// NewWorkspace makes a workspace with this provider configuration.
func (e Embedded) NewWorkspace(t testing.TB) *Workspace {
	t.Helper()
	w := NewWorkspace(t)
	e.Configure(t, w)
	return w
}

// Configure gives the workspace this provider configuration in place of the one it has.
func (e Embedded) Configure(t testing.TB, w *Workspace) {
	t.Helper()
	if e.BuildKit == "" {
		e.BuildKit = workbenchtest.BuildKit(t)
	}
	if e.Pip == "" {
		e.Pip = fmt.Sprintf("{ index_url = %q }", cmp.Or(e.Index, PackageIndex(t)))
	}
	url := ""
	if e.Registry != "" {
		url = fmt.Sprintf("url = %q", e.Registry)
	}
	w.Write("provider.tf", RequiredProviders+fmt.Sprintf(`
provider "rime" {
  embedded_registry = {
    %s
    repository_prefix = "ml"
    base_images       = { "3.11" = %q }
    buildkit          = { address = %q }
    pip               = %s
    %s
  }
  %s
}
`, url, BaseImage(t), e.BuildKit, e.Pip, strings.Join(e.Settings, "\n    "), strings.Join(e.Others, "\n  ")))
}

// RequiredProviders is the block that says where the provider comes from.
const RequiredProviders = `terraform {
  required_providers {
    rime = { source = "managed-images/rime" }
  }
}
`

// StartIndex starts a package index for one test and returns its address. Whatever is built from its source distributions is built anew, as
// no cache knows the address.
func StartIndex(t testing.TB, packages ...pypi.Package) (url string) {
	t.Helper()
	address, stop := workbenchtest.Serve(pypi.New(packages...))
	t.Cleanup(stop)
	return address + "/simple/"
}
