package provider

import (
	"regexp"
	"strings"
	"testing"
)

// accepted are values that must pass, for each check.
var accepted = map[string]struct {
	check  check
	values []string
}{
	"registry":  {registryHostCheck, []string{"registry.test", "registry.test:5000", "127.0.0.1:5000", "localhost:5000", "[::1]:5000", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"}},
	"prefix":    {repositoryPrefixCheck, []string{"ml", "ml/images", "ml-images", "ml__images", "a.b/c_d/e--f", strings.Repeat("a", maxRepositoryPrefix)}},
	"reference": {imageReferenceCheck, []string{"python:3.11-slim", "registry.test:5000/a/b@sha256:" + strings.Repeat("a", 64), "python"}},
	"python":    {pythonVersionCheck, []string{"3.6", "3.9", "3.10", "3.14", "3.20"}},
	"platform":  {platformCheck, []string{"linux/amd64", "linux/arm64/v8", "linux/ppc64le"}},
	"duration":  {durationCheck, []string{"60s", "1h30m", "1500ms"}},
	"buildkit":  {buildkitAddressCheck, []string{"unix:///run/b.sock", "tcp://b:1234", "docker-container://b", "kube-pod://b?namespace=ci", "ssh://user@b"}},
	"index":     {indexURLCheck, []string{"https://pypi.org/simple/", "http://127.0.0.1:8080/simple", "https://ada:hunter2@pypi.test/simple"}},
	"endpoints": {primehubEndpointCheck, []string{"https://primehub.test/api/graphql", "primehub.test", "http://127.0.0.1:3001/graphql"}},
	"displays":  {displayNameCheck, []string{"a", "Churn Model 1.0", "pytorch-1.8"}},
	"images":    {groupImageNameCheck, []string{"a", "r-4", "tensorflow-2.5", strings.Repeat("a", 253)}},
	"pattern":   {patternCheck, []string{"", "^a$", "a|b"}},
	"name":      {imageNameCheck, []string{"a", "a1", "sklearn-serving", "a_b-c", strings.Repeat("a", maxImageName)}},
	"prefixes":  {imageNamePrefixCheck, []string{"a", "a-", "a_", "sklearn-serving-", strings.Repeat("a", maxImageName-hashDigits)}},
}

func TestChecks_accept(t *testing.T) {
	t.Parallel()
	for name, each := range accepted {
		for _, value := range each.values {
			if problem := each.check.find(value); problem != nil {
				t.Errorf("%s: %q %s", name, value, problem.Text)
			}
		}
	}
}

// A proposal that does not pass itself would send the user in a circle.
func TestChecks_proposalsPass(t *testing.T) {
	t.Parallel()
	refused := []string{
		"", " ", "3.1", "3.2", "3", "v3.11", "Python 3.12", "3.10.2", "42", "-", "_a", "My.Image", "a--b", "a..b", "ä", "a/", "/A/b/", "https://registry.test:5000/v2/",
		"http://ada:hunter2@registry.test", "ada@registry.test/x", "amd64", "Linux/AMD64", "60", "0", "-5s", "/run/b.sock", "b:1234", "http://b:1234", "tcp://", "docker://python:3.11",
		"PYTHON:3.11", strings.Repeat("a", 300), "a b", "a\nb", "ftp://x", "(",
	}
	quoted := regexp.MustCompile(`^write "([^"]*)"`)
	proposals := 0
	for name, each := range accepted {
		for _, value := range refused {
			problem := each.check.find(value)
			if problem == nil {
				continue
			}
			proposal := quoted.FindStringSubmatch(problem.Suggestion)
			if proposal == nil {
				continue
			}
			proposals++
			if again := each.check.find(proposal[1]); again != nil {
				t.Errorf("%s: %q is told to be %q, which %s", name, value, proposal[1], again.Text)
			}
		}
	}
	if proposals < 20 {
		t.Errorf("only %d proposals were seen", proposals)
	}
}
