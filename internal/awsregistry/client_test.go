package awsregistry_test

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

func TestNew_contactsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, aws.Options{})
	client := newClient(t, awsregistry.Config{Transport: w, Profile: "no such profile", AssumeRole: &awsregistry.AssumeRole{RoleARN: "arn:aws:iam::123456789012:role/x"}})
	_ = client.Keychain()
	if w.sent.Load() != 0 {
		t.Error("something was sent")
	}
}

func TestNew_refuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config awsregistry.Config
		field  string
	}{
		"region":   {awsregistry.Config{Region: "Frankfurt"}, "aws.region"},
		"role":     {awsregistry.Config{AssumeRole: &awsregistry.AssumeRole{RoleARN: "builder"}}, "aws.assume_role.role_arn"},
		"endpoint": {awsregistry.Config{Endpoints: awsregistry.Endpoints{IAM: "localhost:4566"}}, "aws.endpoints.iam"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := awsregistry.New(test.config)
			if refused, ok := errors.AsType[*awsregistry.ConfigError](err); !ok || refused.Field != test.field {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAccount_partitions(t *testing.T) {
	t.Parallel()
	for region, partition := range map[string]awsregistry.Partition{"eu-central-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"} {
		t.Run(region, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, aws.Options{Region: region})
				client := newClient(t, awsregistry.Config{Transport: w, Region: region})
				var group sync.WaitGroup
				for range 20 {
					group.Go(func() {
						account, err := client.Account(t.Context())
						if err != nil || account != (awsregistry.Account{ID: "123456789012", Region: region, Partition: partition}) {
							t.Errorf("%+v, %v", account, err)
						}
					})
				}
				group.Wait()
				if n := w.sent.Load(); n != 1 {
					t.Errorf("%d requests", n)
				}
				mustApply(t, t.Context(), client, newSpec())
			})
		})
	}
}

func TestClient_profileAndRegion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, aws.Options{Region: "eu-central-1"})
	account, err := newClient(t, awsregistry.Config{Transport: w, Profile: "elsewhere"}).Account(t.Context())
	if err != nil || account.Region != "eu-central-1" {
		t.Errorf("%+v, %v", account, err)
	}
	_, err = newClient(t, awsregistry.Config{Transport: w, Profile: "nowhere"}).Account(t.Context())
	if !errors.Is(err, awsregistry.ErrRegionMissing) {
		t.Errorf("without a region: %v", err)
	}
	_, err = newClient(t, awsregistry.Config{Transport: w, Profile: "misspelt"}).Account(t.Context())
	if !errors.Is(err, awsregistry.ErrRegionRefused) || !strings.Contains(err.Error(), `"eu_central_1" is no AWS region`) {
		t.Errorf("a misspelt region: %v", err)
	}
	_, err = newClient(t, awsregistry.Config{Transport: w, Profile: "unknown"}).Account(t.Context())
	if !errors.Is(err, awsregistry.ErrCredentialsMissing) || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("an unknown profile: %v", err)
	}
}

// A role that may not be taken on is said to be that, whatever was asked first.
func TestClient_mayNotAssumeRole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		role := &awsregistry.AssumeRole{RoleARN: "arn:aws:iam::123456789012:role/absent"}
		_, err := newClient(t, awsregistry.Config{Transport: w, AssumeRole: role}).Account(t.Context())
		denied, ok := errors.AsType[*awsregistry.Error](err)
		if !ok || denied.Class != awsregistry.ClassDenied || denied.Operation != "AssumeRole" || denied.Action != "sts:AssumeRole" {
			t.Errorf("%#v", err)
		}
	})
}

// A role is taken on once, and what is asked is asked as that role.
func TestClient_assumesRole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		made := do(t, w.somebody().iam.CreateRole, &iam.CreateRoleInput{RoleName: sdk.String("deploy"), AssumeRolePolicyDocument: sdk.String(anybody)})
		role := &awsregistry.AssumeRole{RoleARN: *made.Role.Arn, SessionName: "apply", ExternalID: "42"}
		w.ForgetCalls()
		client := newClient(t, awsregistry.Config{Transport: w, AssumeRole: role})
		for range 3 {
			_, _ = client.Repository(t.Context(), "ml/a") // It is not allowed to, or the repository is not there.
		}
		calls := w.Calls()
		if w.CallCounts()["sts:AssumeRole"] != 1 || len(calls) != 4 || calls[3].Principal != "arn:aws:sts::123456789012:assumed-role/deploy/apply" {
			t.Errorf("%+v", calls)
		}
	})
}

// Errors have AWS's own words, and a class.
func TestClient_errors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code, operation string
		want            error
		class           awsregistry.Class
		attempts        int64
	}{
		"denied":         {"AccessDenied", "iam:GetPolicy", awsregistry.ErrDenied, awsregistry.ClassDenied, 1},
		"expired":        {"ExpiredToken", "iam:GetPolicy", awsregistry.ErrCredentialsExpired, awsregistry.ClassCredentialsExpired, 1},
		"unknown key":    {"InvalidClientTokenId", "sts:GetCallerIdentity", awsregistry.ErrCredentialsExpired, awsregistry.ClassCredentialsExpired, 1},
		"failing":        {"ServiceFailure", "iam:GetPolicy", awsregistry.ErrUnavailable, awsregistry.ClassUnavailable, 3},
		"something else": {"ValidationError", "iam:GetPolicy", nil, awsregistry.ClassOther, 1},
		"throttled":      {"Throttling", "iam:GetPolicy", awsregistry.ErrThrottled, awsregistry.ClassThrottled, 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, aws.Options{})
				config := w.config()
				config.Options.Retries = 2
				if err := w.gate.SetFaults(aws.Failure(test.operation, test.code, "made up by the test")); err != nil {
					t.Fatal(err)
				}
				_, err := newClient(t, config).CreateRegistry(t.Context(), newSpec())
				failed, ok := errors.AsType[*awsregistry.Error](err)
				if !ok || failed.Class != test.class || failed.Code != test.code || failed.Message != "made up by the test" || failed.StatusCode < 400 {
					t.Fatalf("%#v", err)
				}
				if test.want != nil && !errors.Is(err, test.want) || errors.Is(err, awsregistry.ErrNotFound) {
					t.Errorf("%v", err)
				}
				path := "^/" + strings.Replace(test.operation, ":", "/", 1) + "$"
				if n := int64(w.gate.Count("", path)); n < test.attempts || n > 2*test.attempts { // There are two identities.
					t.Errorf("%d attempts", n)
				}
			})
		})
	}
}

func TestClient_deniedNamesTheAction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		w.Deny("arn:aws:iam::123456789012:user/sandbox", true, "iam:CreateRole")
		_, err := w.client(t).CreateRegistry(t.Context(), newSpec())
		if denied, ok := errors.AsType[*awsregistry.Error](err); !ok || denied.Action != "iam:CreateRole" || denied.RequestID == "" {
			t.Errorf("%#v", err)
		}
	})
}

// What is no answer of AWS is told from one, and repeated where it may pass.
func TestClient_otherAnswers(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]fault.Rule{
		"a web page":       {Status: http.StatusOK, Body: "<html>Sign in</html>", Headers: map[string]string{"Content-Type": "text/html"}},
		"a proxy's 404":    {Status: http.StatusNotFound, Body: "<html>not here</html>", Headers: map[string]string{"Content-Type": "text/html"}},
		"a gateway":        {Status: http.StatusBadGateway, Body: "bad gateway"},
		"no answer at all": {Reset: true},
		"a redirect":       {Status: http.StatusFound, Headers: map[string]string{"Location": "https://login.test/"}},
	} {
		for _, operation := range []string{"/iam/GetPolicy", "/ecr/DescribeRepositories"} {
			t.Run(name+operation, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, aws.Options{})
					faulty := rule // Both operations share the loop's.
					faulty.Path = "^" + operation + "$"
					if err := w.gate.SetFaults(faulty); err != nil {
						t.Fatal(err)
					}
					_, err := w.client(t).ReadRegistry(t.Context(), newSpec())
					if err == nil || errors.Is(err, awsregistry.ErrNotFound) || !errors.Is(err, awsregistry.ErrUnreachable) && !errors.Is(err, awsregistry.ErrUnavailable) {
						t.Errorf("%#v", err)
					}
				})
			})
		}
	}
}

func TestClient_interrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, aws.Options{})
		w.latency = time.Hour
		ctx, cancel := context.WithCancelCause(t.Context())
		config := w.config()
		config.Options.RequestTimeout = 2 * time.Hour
		time.AfterFunc(time.Second, func() { cancel(errInterrupted) })
		began := time.Now()
		_, err := newClient(t, config).Account(ctx)
		if !errors.Is(err, errInterrupted) || time.Since(began) != time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

// Nothing secret is in what is observed, and the caller is named.
func TestClient_observe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, aws.Options{})
	agent := ""
	var seen []httpx.Exchange
	config := awsregistry.Config{UserAgent: "terraform-provider-rime/1.2.3", Observe: func(_ context.Context, e httpx.Exchange) { seen = append(seen, e) }}
	config.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
		agent = req.UserAgent()
		return w.RoundTrip(req)
	})
	if _, err := newClient(t, config).Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(agent, "terraform-provider-rime/1.2.3 aws-sdk-go-v2/") {
		t.Errorf("user agent %q", agent)
	}
	if len(seen) != 1 || seen[0].Status != http.StatusOK || !strings.HasPrefix(seen[0].URL, "https://sts.us-east-1.amazonaws.com") {
		t.Errorf("%+v", seen)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Endpoints are used, and AWS_CA_BUNDLE is honoured with a transport of our own.
func TestClient_endpointsAndCABundle(t *testing.T) {
	w := newWorld(t, aws.Options{})
	server := httptest.NewTLSServer(w.handler)
	t.Cleanup(server.Close)
	transport, err := httpx.NewTransport(httpx.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	config := awsregistry.Config{Transport: transport, Endpoints: awsregistry.Endpoints{STS: server.URL}, Options: awsregistry.Options{Retries: -1}}
	if _, err := newClient(t, config).Account(t.Context()); !errors.Is(err, awsregistry.ErrUnreachable) {
		t.Errorf("an unknown authority: %v", err)
	}
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	if _, err := newClient(t, config).Account(t.Context()); err != nil {
		t.Error(err)
	}
	t.Setenv("AWS_CA_BUNDLE", "")
	trusting, err := httpx.NewTransport(httpx.Trust{CAFile: bundle})
	if err != nil {
		t.Fatal(err)
	}
	config.Transport = trusting
	if _, err := newClient(t, config).Account(t.Context()); err != nil {
		t.Errorf("with http.ca_file: %v", err)
	}
}

func TestClient_noCredentials(t *testing.T) {
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	w := newWorld(t, aws.Options{})
	_, err := w.client(t).Account(t.Context())
	if !errors.Is(err, awsregistry.ErrCredentialsMissing) || w.sent.Load() != 0 {
		t.Errorf("%v after %d requests", err, w.sent.Load())
	}
}
