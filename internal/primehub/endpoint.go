package primehub

import (
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// ConfigError is a configuration that cannot work. Its field is "endpoint", "api_token" or "config file".
type ConfigError = httpx.ConfigError

// apiPath is where PrimeHub's ingress puts the API (CONTRACT §1.1).
const apiPath = "/api/graphql"

var address = httpx.Address{
	What: "the address of PrimeHub's API", Example: "https://primehub.example.com" + apiPath, Caller: "their API token",
}

// ParseEndpoint returns the address of the API in its one spelling. The platform answers under exactly one path (CONTRACT §1.1), so a bare host, a
// "/api" alone and a slash at the end are put right; another path is taken as it is, for installations behind one. An address without a scheme means https.
// A refusal is a [*ConfigError].
func ParseEndpoint(text string) (string, error) {
	origin, path, err := address.Parse(text)
	if err != nil {
		return "", err
	}
	switch {
	case path == "":
		path = apiPath
	case strings.HasSuffix(path, "/api"):
		path += "/graphql"
	}
	return origin + path, nil
}
