package primehub

import (
	"encoding/json"
	"errors"
	"strings"
)

// The variables that PrimeHub's own Python SDK reads (CONTRACT §1.3).
const (
	EnvEndpoint = "PRIMEHUB_API_ENDPOINT"
	EnvAPIToken = "PRIMEHUB_API_TOKEN" //nolint:gosec // the name of a variable, not a token
	EnvGroup    = "PRIMEHUB_GROUP"
)

// SettingsFile is where the SDK keeps its settings, below the user's home directory.
const SettingsFile = ".primehub/config.json"

// Settings say which platform is spoken to, as whom, and for which group.
type Settings struct {
	// Endpoint is the address of the API, in any spelling that [ParseEndpoint] takes.
	Endpoint string
	// APIToken is secret.
	APIToken string
	// Group is the name of the group that is meant where none is given.
	Group string
}

// ParseSettings reads a settings file of the SDK. What it knows nothing about it leaves alone. A refusal is a [*ConfigError].
func ParseSettings(file []byte) (Settings, error) {
	var content struct {
		Endpoint string `json:"endpoint"`
		APIToken string `json:"api-token"`
		Group    struct {
			Name string `json:"name"`
		} `json:"group"`
	}
	if err := json.Unmarshal(file, &content); err != nil {
		problem := "~/" + SettingsFile + " is not JSON" // without the error's words, which may quote the token
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			problem = "~/" + SettingsFile + " has something other than text as " + wrong.Field
		}
		return Settings{}, &ConfigError{Field: "config file", Problem: problem + "; let `primehub config` of PrimeHub's SDK write it, or remove it"}
	}
	return Settings{Endpoint: content.Endpoint, APIToken: content.APIToken, Group: content.Group.Name}, nil
}

// ResolveSettings puts settings together by the SDK's precedence (CONTRACT §1.3): what is explicit wins over the environment, and that over
// the file. What is blank counts as not given. The environment is a function like [os.Getenv], so that only the provider reads it.
func ResolveSettings(file Settings, environment func(string) string, explicit Settings) Settings {
	return Settings{
		Endpoint: firstGiven(explicit.Endpoint, environment(EnvEndpoint), file.Endpoint),
		APIToken: firstGiven(explicit.APIToken, environment(EnvAPIToken), file.APIToken),
		Group:    firstGiven(explicit.Group, environment(EnvGroup), file.Group),
	}
}

// firstGiven is the first text that is not blank, without white space around it.
func firstGiven(texts ...string) string {
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return ""
}
