package acctest

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// quickBuild is how long a simulated build takes unless a test says otherwise: it is over before anybody looks twice, but has been through all its states.
const quickBuild = 5 * time.Millisecond

// StartPlatform starts a stand-in of a RIME platform for one test. Its builds take no time to speak of, unless the options say so.
func StartPlatform(t testing.TB, options rime.Options) *rime.Server {
	t.Helper()
	options.BuildTime = cmp.Or(options.BuildTime, quickBuild)
	server, err := rime.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("stopping the platform: %v", err)
		}
	})
	return server
}

// RIME is a provider configuration with a RIME platform.
type RIME struct {
	// Endpoint is the platform's address.
	Endpoint string
	// APIKey is that of an Organization Administrator if empty.
	APIKey string
	// Alias is the name of this configuration among several in one workspace. Empty is the default one.
	Alias string
	// Settings are further lines of the provider.
	Settings []string
}

// NewWorkspace makes a workspace with this provider configuration.
func (r RIME) NewWorkspace(t testing.TB) *Workspace {
	t.Helper()
	w := NewWorkspace(t)
	w.Write("provider.tf", RequiredProviders+r.Block())
	return w
}

// Block is the provider block, for a workspace that has several.
func (r RIME) Block() string {
	alias := ""
	if r.Alias != "" {
		alias = fmt.Sprintf("alias    = %q", r.Alias)
	}
	return fmt.Sprintf(`
provider "rime" {
  %s
  endpoint = %q
  api_key  = %q
  %s
}
`, alias, r.Endpoint, cmp.Or(r.APIKey, rime.KeyOrgAdmin), strings.Join(r.Settings, "\n  "))
}
