package awsregistry_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

func parseURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

const index = "https://ours-123456789012.d.codeartifact.us-east-1.amazonaws.com/pypi/shared/simple/"

func TestParseIndexURL(t *testing.T) {
	t.Parallel()
	tests := map[string]awsregistry.IndexDomain{
		index: {Name: "ours", Owner: "123456789012", Region: "us-east-1"},
		"https://my-own-domain-123456789012.d.codeartifact.eu-central-1.amazonaws.com:443/pypi/x/simple/": {Name: "my-own-domain", Owner: "123456789012", Region: "eu-central-1"},
		"https://ours-123456789012.d.codeartifact.us-east-1.on.aws/":                                      {Name: "ours", Owner: "123456789012", Region: "us-east-1"},

		"http://ours-123456789012.d.codeartifact.us-east-1.amazonaws.com/":            {},
		"https://ours-123456789012.d.codeartifact.us-east-1.amazonaws.com:8443/":      {},
		"https://ours-123456789012.d.codeartifact.us-east-1.amazonaws.com.evil.test/": {},
		"https://ours-123456789012.d.codeartifact.evil.test.amazonaws.com/":           {},
		"https://ours-123456789012.d.codeartifact.us-east-1.amazonaws.com.cn/":        {},
		"https://evil.test/ours-123456789012.d.codeartifact.us-east-1.amazonaws.com/": {},
		"https://ours-12345.d.codeartifact.us-east-1.amazonaws.com/":                  {},
		"https://codeartifact.us-east-1.amazonaws.com/":                               {},
		"https://pypi.org/ours-123456789012.d.codeartifact.us-east-1.amazonaws.com/":  {},
	}
	for text, want := range tests {
		if got, ok := awsregistry.ParseIndexURL(parseURL(t, text)); got != want || ok != (want.Name != "") {
			t.Errorf("%s: %+v, %t", text, got, ok)
		}
	}
}

// TestCodeArtifact gets a token where one is needed, once, and another one shortly before its end.
func TestCodeArtifact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{Domains: []string{"ours"}})
		source := awsregistry.NewCodeArtifact(w.config())
		if user, password, ok, err := source.Credentials(t.Context(), parseURL(t, "https://pypi.org/simple/")); user != "" || password != "" || ok || err != nil {
			t.Errorf("another index: %q %q %t %v", user, password, ok, err)
		}
		get := func() string {
			user, password, ok, err := source.Credentials(t.Context(), parseURL(t, index))
			if err != nil || !ok || !w.IndexToken(user, password) {
				t.Fatalf("%q %t %v", user, ok, err)
			}
			return password
		}
		var tokens [3]string
		done := make(chan struct{})
		for i := range tokens {
			go func() {
				defer func() { done <- struct{}{} }()
				tokens[i] = get()
			}()
		}
		for range tokens {
			<-done
		}
		time.Sleep(12*time.Hour - 6*time.Minute)
		if n := w.CallCounts()["codeartifact:GetAuthorizationToken"]; get() != tokens[0] || tokens[0] != tokens[2] || n != 1 {
			t.Errorf("%d tokens", n)
		}
		time.Sleep(2 * time.Minute)
		if get() == tokens[0] {
			t.Error("a token that is about to end was given")
		}
	})
}

// TestCodeArtifact_session has the tokens of short sessions.
func TestCodeArtifact_session(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{Domains: []string{"ours"}, TokenLife: 4 * time.Minute})
		source := awsregistry.NewCodeArtifact(w.config())
		for range 3 {
			if user, password, _, err := source.Credentials(t.Context(), parseURL(t, index)); err != nil || !w.IndexToken(user, password) {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Minute)
		}
		if n := w.CallCounts()["codeartifact:GetAuthorizationToken"]; n != 3 {
			t.Errorf("%d tokens", n)
		}
	})
}

// TestCodeArtifact_refused says which index has no token, why, and what to do.
func TestCodeArtifact_refused(t *testing.T) {
	t.Parallel()
	const which = "AWS gives no token for the CodeArtifact domain ours of account 123456789012 in us-east-1; "
	tests := map[string]struct {
		prepare func(*world)
		config  func(*awsregistry.Config)
		index   string
		want    []string
		class   error
	}{
		"denied": {
			prepare: func(w *world) { w.Deny("*", true, "codeartifact:GetAuthorizationToken") }, class: awsregistry.ErrDenied,
			want: []string{which + "allow the caller codeartifact:GetAuthorizationToken, ", "AccessDeniedException"},
		},
		"without the bearer": {
			prepare: func(w *world) { w.Deny("*", false, "sts:GetServiceBearerToken") }, class: awsregistry.ErrDenied,
			want: []string{"sts:GetServiceBearerToken: ", "not authorized to perform: sts:GetServiceBearerToken"},
		},
		"no such domain": {
			index: "https://theirs-123456789012.d.codeartifact.us-east-1.amazonaws.com/", class: awsregistry.ErrNotFound,
			want: []string{"domain theirs of account 123456789012 in us-east-1; correct domain, account and region in the URL of the index: ", "Domain not found"},
		},
		"no credentials": {
			config: func(c *awsregistry.Config) { c.Profile = "unknown" }, class: awsregistry.ErrCredentialsMissing,
			want: []string{which + "give this machine AWS credentials, or write user and token into the URL of the index: "},
		},
		"throttled": {
			prepare: func(w *world) {
				w.fail(aws.Failure("codeartifact:GetAuthorizationToken", "ThrottlingException", "Rate exceeded"))
			}, class: awsregistry.ErrThrottled,
			want: []string{which + "try again later: "},
		},
		"unreachable": {
			prepare: func(w *world) { w.fail(fault.Rule{DropAnswer: true}) }, class: awsregistry.ErrUnreachable,
			want: []string{which + "let this machine reach the AWS API of CodeArtifact in that region, or "},
		},
		"expired": {
			prepare: func(w *world) {
				w.fail(aws.Failure("codeartifact:GetAuthorizationToken", "ExpiredTokenException", "too late"))
			}, class: awsregistry.ErrCredentialsExpired,
			want: []string{which + "renew the AWS credentials of this machine: "},
		},
		"a nonsense endpoint": {
			config: func(c *awsregistry.Config) { c.Endpoints.CodeArtifact = "nowhere" },
			want:   []string{which + "correct the AWS settings of the provider: aws.endpoints.codeartifact is no address"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, aws.Options{Domains: []string{"ours"}})
				config := w.config()
				if test.prepare != nil {
					test.prepare(w)
				}
				if test.config != nil {
					test.config(&config)
				}
				address := index
				if test.index != "" {
					address = test.index
				}
				_, password, ok, err := awsregistry.NewCodeArtifact(config).Credentials(t.Context(), parseURL(t, address))
				if _, typed := errors.AsType[*awsregistry.TokenError](err); !typed || ok || password != "" || test.class != nil && !errors.Is(err, test.class) {
					t.Fatalf("%v, %t", err, ok)
				}
				for _, want := range test.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%v, want %s", err, want)
					}
				}
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := awsregistry.NewCodeArtifact(newWorld(t, aws.Options{}).config()).Credentials(ctx, parseURL(t, index)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// fail sets rules of faults.
func (w *world) fail(rules ...fault.Rule) {
	if err := w.gate.SetFaults(rules...); err != nil {
		panic(err)
	}
}
