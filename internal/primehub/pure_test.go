package primehub_test

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// TestRecipe_Hash has the vectors that the real controller was seen to make (CONTRACT §4.2).
func TestRecipe_Hash(t *testing.T) {
	t.Parallel()
	for want, packages := range map[string]primehub.Packages{
		"c9011819": {},
		"96ff7925": {Apt: []string{"curl"}},
		"fc9f45f0": {Pip: []string{"pytest"}},
		"9a631272": {Apt: []string{"vim"}, Pip: []string{"a", "b"}, Conda: []string{"-c", "pytorch", "fastai"}},
	} {
		if got := (primehub.Recipe{BaseImage: "jupyter/base-notebook", PullSecret: "image-x", Packages: packages}).Hash(); got != want {
			t.Errorf("%+v: %s, want %s", packages, got, want)
		}
	}
}

func TestParseEndpoint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"primehub.test":                           "https://primehub.test/api/graphql",
		" https://primehub.test/ ":                "https://primehub.test/api/graphql",
		"https://primehub.test/api":               "https://primehub.test/api/graphql",
		"https://primehub.test/api/":              "https://primehub.test/api/graphql",
		"https://primehub.test/api/graphql":       "https://primehub.test/api/graphql",
		"https://primehub.test/api/graphql/":      "https://primehub.test/api/graphql",
		"http://localhost:3001/graphql":           "http://localhost:3001/graphql",
		"https://primehub.test:8443/ph/api":       "https://primehub.test:8443/ph/api/graphql",
		"https://primehub.test/a%2Fb/api/graphql": "https://primehub.test/a%2Fb/api/graphql",
		"http://[::1]:3001":                       "http://[::1]:3001/api/graphql",
	} {
		got, err := primehub.ParseEndpoint(text)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if again, err := primehub.ParseEndpoint(got); err != nil || again != got {
			t.Errorf("%q is not its own spelling: %q, %v", got, again, err)
		}
	}
	for _, text := range []string{
		"", " ", "ftp://primehub.test", "https://ada:hunter2@primehub.test", "https://primehub.test/?token=hunter2", "https://primehub.test/#hunter2",
		"https://", "https://ada:hunter2@:80:90/x", "https://primehub.test#",
	} {
		_, err := primehub.ParseEndpoint(text)
		refused, ok := errors.AsType[*primehub.ConfigError](err)
		if !ok || refused.Field != "endpoint" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for field, config := range map[string]primehub.Config{
		"endpoint":   {APIToken: "x"},
		"api_token":  {Endpoint: "primehub.test", APIToken: " \n"},
		"api_token ": {Endpoint: "primehub.test", APIToken: "to ken"},
	} {
		_, err := primehub.New(config)
		if refused, ok := errors.AsType[*primehub.ConfigError](err); !ok || refused.Field != strings.TrimSpace(field) || strings.Contains(err.Error(), "to ken") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestResolveSettings(t *testing.T) {
	t.Parallel()
	file, err := primehub.ParseSettings([]byte(`{"endpoint":"file","api-token":"file","group":{"id":"1","name":"file","displayName":"File"},"more":[1]}`))
	if err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{primehub.EnvEndpoint: "environment", primehub.EnvAPIToken: "environment\n", primehub.EnvGroup: " "}
	lookup := func(name string) string { return environment[name] }
	if got, want := primehub.ResolveSettings(file, lookup, primehub.Settings{Endpoint: "explicit", APIToken: "\t"}), (primehub.Settings{Endpoint: "explicit", APIToken: "environment", Group: "file"}); got != want {
		t.Errorf("%+v", got)
	}
	if got := primehub.ResolveSettings(primehub.Settings{}, func(string) string { return "" }, primehub.Settings{}); got != (primehub.Settings{}) {
		t.Errorf("%+v", got)
	}
	for text, words := range map[string]string{"": "is not JSON", `{"api-token":"hunter2"`: "is not JSON", `{"api-token":{"hunter2":1}}`: "as api-token", `{"group":"x"}`: "as group", "[]": "is not JSON"} {
		_, err := primehub.ParseSettings([]byte(text))
		refused, ok := errors.AsType[*primehub.ConfigError](err)
		if !ok || strings.Contains(err.Error(), "hunter2") || text != "[]" && !strings.Contains(refused.Problem, words) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if got, err := primehub.ParseSettings([]byte(`{"group":null}`)); err != nil || got != (primehub.Settings{}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	for _, good := range []string{"a", "a.b", "tf-2.5", "0", strings.Repeat("a", 63)} {
		if err := primehub.CheckName(good, true); err != nil {
			t.Error(err)
		}
	}
	for name, words := range map[string]string{"": "lower-case", "A": "lower-case", "a_b": "lower-case", "-a": "lower-case", "a.": "lower-case", "a..b": "lower-case", "a\n": "lower-case", long: "never build"} {
		err := primehub.CheckName(name, true)
		if refused, ok := errors.AsType[*primehub.NameError](err); !ok || refused.Name != name || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := primehub.CheckName(long, false); err != nil {
		t.Error(err)
	}
	if err := primehub.CheckName(strings.Repeat("a", 254), false); err == nil {
		t.Error("254 characters are taken")
	}
}

// TestGenerateName_property makes names of any text, and each is one that can be built.
func TestGenerateName_property(t *testing.T) {
	t.Parallel()
	for text, stem := range map[string]string{"My Image_v1.2": "my-image-v1-2-", "": "image-", "---": "image-", "図": "image-", "_x_": "x-"} {
		if got := primehub.GenerateName(text); !strings.HasPrefix(got, stem) || len(got) != len(stem)+5 {
			t.Errorf("%q: %q", text, got)
		}
	}
	if one, other := primehub.GenerateName("x"), primehub.GenerateName("x"); one == other {
		t.Error("two names are the same")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		text := make([]rune, random.IntN(90))
		for i := range text {
			text[i] = rune(random.IntN(0x250))
		}
		if name := primehub.GenerateName(string(text)); primehub.CheckName(name, true) != nil {
			t.Errorf("%q becomes %q", string(text), name)
		}
	}
}

// TestRecipe_property shows that recipes that are not the same have other hashes, and that order and repetitions count.
func TestRecipe_property(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	list := func() []string {
		tokens := make([]string, random.IntN(3))
		for i := range tokens {
			tokens[i] = []string{"a", "b", "-c"}[random.IntN(3)]
		}
		return tokens
	}
	seen := map[string]primehub.Recipe{}
	for range 1000 {
		recipe := primehub.Recipe{BaseImage: "b", Packages: primehub.Packages{Apt: list(), Conda: list(), Pip: list()}}
		hash := recipe.Hash()
		if !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(hash) {
			t.Fatal(hash)
		}
		if other, found := seen[hash]; found && !other.Same(recipe) {
			t.Errorf("%+v and %+v have the hash %s", recipe, other, hash)
		}
		seen[hash] = recipe
	}
}
