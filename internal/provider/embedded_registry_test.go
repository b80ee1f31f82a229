package provider

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// inRegistry is a configuration of the embedded registry with that address, in that account.
func inRegistry(url string, a *awsModel) providerModel {
	registry := types.StringValue(url)
	if url == "" {
		registry = types.StringNull()
	}
	return providerModel{AWS: a, EmbeddedRegistry: &embeddedRegistryModel{URL: registry}, HTTP: (*httpModel)(nil).withDefaults()}
}

// locate finds the registry of a configuration.
func locate(t *testing.T, model providerModel) (home, error) {
	t.Helper()
	p := &rimeProvider{version: "test"}
	account := once(func() (*awsregistry.Client, error) {
		return newAWSClient(model.AWS, model.HTTP, p.version, p.awsOptions)
	})
	return p.locator(model, account)(t.Context())
}

const ecrHost = ".dkr.ecr." + aws.DefaultRegion + ".amazonaws.com"

// The registry is where the configuration says, and it is the account's own only where the account says so.
func TestLocator(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	endpoint := types.StringValue(a.URL)
	configured := &awsModel{Region: types.StringValue(aws.DefaultRegion), Endpoints: map[string]types.String{serviceECR: endpoint, serviceIAM: endpoint, serviceSTS: endpoint}}
	for name, test := range map[string]struct {
		url, host string
		ecr, own  bool
	}{
		"no url":               {"", a.Host, true, true},
		"our own ECR":          {aws.DefaultAccount + ecrHost, aws.DefaultAccount + ecrHost, true, true},
		"another account's":    {"210987654321" + ecrHost, "210987654321" + ecrHost, true, false},
		"any other registry":   {"registry.test:5000", "registry.test:5000", false, false},
		"something like ECR's": {aws.DefaultAccount + ecrHost + ".evil.test", aws.DefaultAccount + ecrHost + ".evil.test", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := locate(t, inRegistry(test.url, configured))
			if err != nil {
				t.Fatal(err)
			}
			if found.host != test.host || (found.ecr != nil) != test.ecr || found.own != test.own || (found.repositories(awsregistry.RepositorySettings{}) != nil) != test.own {
				t.Errorf("found %+v", found)
			}
			if token := hasToken(t, found); token != test.ecr {
				t.Errorf("credentials from AWS: %t", token)
			}
		})
	}
}

// hasToken tells whether the registry's credentials are AWS's.
func hasToken(t *testing.T, h home) bool {
	t.Helper()
	registry, err := name.NewRegistry(h.host)
	if err != nil {
		t.Fatal(err)
	}
	authenticator, err := authn.Resolve(t.Context(), h.keychain(), registry)
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := authn.Authorization(t.Context(), authenticator)
	if err != nil {
		t.Fatal(err)
	}
	return credentials.Username == "AWS"
}

// Whoever has no credentials of AWS may have logged in to ECR with Docker; who has not, or names an account, is told what is missing.
func TestLocator_noCredentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	host := aws.DefaultAccount + ecrHost
	withSettings := inRegistry(host, nil)
	withSettings.EmbeddedRegistry.RepositorySettings = &repositorySettingsModel{}
	for _, model := range []providerModel{
		inRegistry(host, nil), inRegistry(host, &awsModel{}), inRegistry("", &awsModel{Region: types.StringValue(aws.DefaultRegion)}), inRegistry("", nil), withSettings,
	} {
		_, err := locate(t, model)
		if unfound, ok := errors.AsType[*diags.RegistryNotFoundError](err); !ok {
			t.Errorf("%v: %v", unfound, err)
		}
	}
	login := `{"auths":{"` + host + `":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("AWS:token")) + `"}}}`
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(login), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := locate(t, inRegistry(host, nil)); err != nil || found.host != host || found.ecr != nil {
		t.Errorf("found %+v, %v", found, err)
	}
	if _, err := locate(t, withSettings); err == nil {
		t.Error("repositories cannot be made with a login of Docker")
	}
}

// Who has set all that rime-sandbox prints learns which variable is in the way. Not in parallel: the environment is the process's.
func TestHome_settingsElsewhere(t *testing.T) {
	t.Setenv(envURL, "registry.test")
	for url, want := range map[types.String]string{types.StringNull(): envURL + " is registry.test", types.StringValue("registry.test"): "embedded_registry.url is registry.test"} {
		m := &embeddedRegistryModel{URL: url, RepositorySettings: &repositorySettingsModel{}}
		if d := m.fill(); d.HasError() {
			t.Fatal(d)
		}
		if err := (home{host: m.URL.ValueString()}).check(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestHome_externalBases(t *testing.T) {
	t.Parallel()
	h := home{host: aws.DefaultAccount + ecrHost}
	got := h.externalBases(map[string]string{
		"3.10": h.host + "/base/python:3.10", "3.11": "python:3.11-slim", "3.12": h.host + "/base/python@sha256:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"3.13": "210987654321" + ecrHost + "/base:3.13", "3.14": aws.DefaultAccount + ".dkr.ecr-fips." + aws.DefaultRegion + ".amazonaws.com/base:3.14",
	})
	if want := []string{`"3.11" = "python:3.11-slim"`, `"3.13" = "210987654321` + ecrHost + `/base:3.13"`}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
