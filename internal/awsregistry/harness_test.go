package awsregistry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// TestMain gives AWS's chain files of its own, so that whatever the machine has is not used.
func TestMain(m *testing.M) { os.Exit(runWithChain(m)) }

func runWithChain(m *testing.M) int {
	directory, err := os.MkdirTemp("", "awsregistry-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(directory) }()
	config := "[default]\nregion = " + aws.DefaultRegion + "\n[profile elsewhere]\nregion = eu-central-1\n[profile nowhere]\n[profile misspelt]\nregion = eu_central_1\n"
	keys := fmt.Sprintf("aws_access_key_id = %s\naws_secret_access_key = %s\n", aws.AccessKeyID, aws.SecretAccessKey)
	for name, text := range map[string]string{"config": config, "credentials": "[default]\n" + keys + "[elsewhere]\n" + keys + "[nowhere]\n" + keys} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			if err := os.Unsetenv(name); err != nil {
				panic(err)
			}
		}
	}
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": filepath.Join(directory, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(directory, "credentials"),
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	return m.Run()
}

// world is a simulated account, reached without a network, so that it works in a bubble of package synctest.
type world struct {
	*aws.Cloud
	gate    *fault.Gate
	handler http.Handler
	// sent counts attempts.
	sent atomic.Int64
	// changes counts the attempts that changed something, or were to.
	changes atomic.Int64
	// before is called before each attempt. Nil: nothing is.
	before atomic.Pointer[func()]
	// lags tells that AWS is to lag behind, now or later.
	lags bool
	// latency is how long each attempt takes.
	latency time.Duration
}

func newWorld(t *testing.T, o aws.Options) *world {
	t.Helper()
	o.DataDir = t.TempDir()
	cloud, err := aws.New(o)
	if err != nil {
		t.Fatal(err)
	}
	gate := &fault.Gate{}
	return &world{Cloud: cloud, gate: gate, handler: cloud.Behind(gate), lags: o.Lag.Max > 0}
}

// errCut is a connection that ended without an answer.
var errCut = errors.New("connection reset by peer")

// RoundTrip implements http.RoundTripper.
func (w *world) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	w.sent.Add(1)
	if before := w.before.Load(); before != nil {
		(*before)()
	}
	if w.latency > 0 {
		select {
		case <-time.After(w.latency):
		case <-req.Context().Done():
		}
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if reason := recover(); reason != nil {
			if reason != http.ErrAbortHandler { //nolint:errorlint // This very value is what handlers end a connection with.
				panic(reason)
			}
			resp, err = nil, errCut
		}
	}()
	recorder := httptest.NewRecorder()
	inbound := req.Clone(req.Context())
	if inbound.Body == nil { // no server sees that
		inbound.Body = http.NoBody
	}
	if changes(inbound) {
		defer w.changes.Add(1)
	}
	inbound.RequestURI = req.URL.RequestURI()
	inbound.Host = req.URL.Host
	inbound.RemoteAddr = "127.0.0.1:1"
	w.handler.ServeHTTP(recorder, inbound)
	return recorder.Result(), nil
}

// onlyAsks are the beginnings of the names of operations that change nothing.
var onlyAsks = regexp.MustCompile(`^(Get|List|Describe|BatchGet|StartLifecyclePolicyPreview)`)

// changes tells whether a request is to change something: ECR names the operation in a header, IAM and STS in the body.
func changes(req *http.Request) bool {
	_, operation, inHeader := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	if !inHeader && req.Body != nil {
		body, _ := io.ReadAll(req.Body) // it is in memory
		req.Body = io.NopCloser(bytes.NewReader(body))
		_, operation, _ = strings.Cut(string(body), "Action=")
	}
	return operation != "" && !onlyAsks.MatchString(operation)
}

// interrupt cancels ctx, of what is done now, as soon as it has made n changes and asks for more. It tells whether it came to that.
func (w *world) interrupt(ctx context.Context, n int64, do func(context.Context)) (interrupted bool) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	first := w.changes.Load()
	before := func() {
		if w.changes.Load()-first >= n { // two that are made at the same time may leave n out
			cancel(errInterrupted)
		}
	}
	w.before.Store(&before)
	defer w.before.Store(nil)
	do(ctx)
	return ctx.Err() != nil
}

// config is a client's configuration for the account. Where AWS does not lag behind, one look is enough.
func (w *world) config() awsregistry.Config {
	config := awsregistry.Config{Transport: w}
	if !w.lags {
		config.Options.Confirmations = 1
	}
	return config
}

func (w *world) client(t *testing.T) *awsregistry.Client { return newClient(t, w.config()) }

func newClient(t *testing.T, config awsregistry.Config) *awsregistry.Client {
	t.Helper()
	client, err := awsregistry.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// newSpec is a registry as an ordinary configuration asks for.
func newSpec() awsregistry.RegistrySpec {
	names := awsregistry.ModuleNames("prod", "rime")
	server, builder := awsregistry.ModuleServiceAccounts("prod", "rime")
	trust := func(account awsregistry.ServiceAccount) awsregistry.TrustSpec {
		return awsregistry.TrustSpec{
			OIDCProviderURL: "https://oidc.eks.us-east-1.amazonaws.com/id/ABC", ServiceAccounts: []awsregistry.ServiceAccount{account},
		}
	}
	return awsregistry.RegistrySpec{
		Prefix:  "ml/prod",
		Server:  awsregistry.IdentitySpec{RoleName: names.ServerRole, PolicyName: names.ServerPolicy, Trust: trust(server)},
		Builder: awsregistry.IdentitySpec{RoleName: names.BuilderRole, PolicyName: names.BuilderPolicy, Trust: trust(builder)},
		Tags:    map[string]string{"team": "ml"},
		Owner:   "0123456789abcdef",
	}
}

// untagged expires untagged images after some days.
func untagged(days int) string {
	return awsregistry.LifecyclePolicy{Rules: []awsregistry.LifecycleRule{{
		Priority: 1, TagStatus: awsregistry.TagStatusUntagged, CountType: awsregistry.CountSincePushed, CountNumber: days,
	}}}.JSON()
}

// mustApply makes the registry and wants it to be as asked for.
func mustApply(t *testing.T, ctx context.Context, client *awsregistry.Client, spec awsregistry.RegistrySpec) awsregistry.Registry {
	t.Helper()
	registry, err := client.CreateRegistry(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	mustMatch(t, client, spec, registry)
	return registry
}

// mustMatch wants no drift.
func mustMatch(t *testing.T, client *awsregistry.Client, spec awsregistry.RegistrySpec, registry awsregistry.Registry) {
	t.Helper()
	for _, drift := range client.Drift(spec, registry) {
		t.Error(drift)
	}
}

// lost is the n-th answer that does not arrive.
func lost(n int) fault.Rule { return fault.Rule{Nth: n, Times: 1, DropAnswer: true} }

// lostChange loses the answer to the n-th call that changes something.
func lostChange(n int) fault.Rule {
	return fault.Rule{Path: "^/[a-z]+/(Add|Attach|Create|Delete|Detach|Put|Remove|Set|Tag|Untag|Update)", Nth: n, Times: 1, DropAnswer: true}
}

// somebody is another user of the account, with the SDK's own clients.
type somebody struct {
	ecr *ecr.Client
	iam *iam.Client
}

func (w *world) somebody() somebody {
	config := sdk.Config{
		Region: w.Region(), HTTPClient: &http.Client{Transport: w},
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: aws.AccessKeyID, SecretAccessKey: aws.SecretAccessKey}, nil
		}),
		Retryer: func() sdk.Retryer { return sdk.NopRetryer{} },
	}
	return somebody{ecr: ecr.NewFromConfig(config), iam: iam.NewFromConfig(config)}
}

// do makes a call that must succeed.
func do[In, Out, Option any](t *testing.T, call func(context.Context, In, ...Option) (Out, error), in In) Out {
	t.Helper()
	out, err := call(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// makeRepositories makes repositories of these names.
func (w *world) makeRepositories(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		do(t, w.somebody().ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: &name})
	}
}
