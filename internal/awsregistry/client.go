package awsregistry

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/codeartifact"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/lifeline"
	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

const (
	// maxAnswer bounds what is read of one answer: a page of a thousand images with their tags is a few MiB.
	maxAnswer = 32 << 20
	// expiryWindow is how long before their end credentials of an assumed role are renewed.
	expiryWindow = 5 * time.Minute
)

// Client is one account in one region. It is safe for concurrent use.
type Client struct {
	config  Config
	options Options
	limiter *Limiter
	// slots bounds how many requests are under way at a time.
	slots    chan struct{}
	services *wait.Lazy[*services]
	account  *wait.Lazy[Account]
	token    *wait.Lazy[Credentials]
	debris   debris
	claims   claims
	// neighbours are the registries of the account.
	neighbours *wait.Lazy[sightings]
}

// services are the SDK's clients.
type services struct {
	aws aws.Config
	ecr *ecr.Client
	iam *iam.Client
	sts *sts.Client

	codeartifact *codeartifact.Client
}

// New makes a client. It contacts nothing, and reads no file: that is for the first call. Its errors are [*ConfigError].
func New(config Config) (*Client, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	limiter := config.Limiter
	if limiter == nil {
		limiter = &Limiter{}
	}
	options := config.Options.withDefaults()
	return &Client{
		config: config, options: options, limiter: limiter, slots: make(chan struct{}, options.Concurrency),
		services: wait.NewLazy[*services](), account: wait.NewLazy[Account](), token: wait.NewLazy[Credentials](), neighbours: wait.NewLazy[sightings](),
		debris: debris{creations: lifeline.Creations{Lines: lifeline.Lines{Directory: options.Lifelines}}, workspace: options.Workspace},
	}, nil
}

// Limiter is what keeps this client to AWS's quotas, for requests to the same account that others make.
func (c *Client) Limiter() *Limiter { return c.limiter }

// Account tells where the client is. It asks AWS once.
func (c *Client) Account(ctx context.Context) (Account, error) {
	return c.account.Get(ctx, wait.Always, func(ctx context.Context) (Account, error) {
		var region string
		identity, err := call(ctx, c, "", func(ctx context.Context, s *services) (*sts.GetCallerIdentityOutput, error) {
			region = s.aws.Region
			return s.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		})
		if err != nil {
			return Account{}, err
		}
		account := Account{ID: aws.ToString(identity.Account), Region: region, Partition: PartitionOf(region)}
		if parts := strings.Split(aws.ToString(identity.Arn), ":"); len(parts) > 1 && parts[1] != "" {
			account.Partition = Partition(parts[1])
		}
		return account, nil
	})
}

// call makes one request, repeated where that may help. Its errors are [*Error], or the context's.
func call[O any](ctx context.Context, c *Client, subject string, request func(context.Context, *services) (O, error)) (O, error) {
	var none O
	s, err := c.services.Get(ctx, wait.Always, c.load)
	if err != nil {
		return none, newError(ctx, subject, err)
	}
	if err := s.authenticate(ctx); err != nil {
		return none, err
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return none, newError(ctx, subject, ctx.Err())
	}
	out, err := request(countFailures(ctx), s)
	if err != nil {
		err = newError(ctx, subject, err)
		if answer, ok := err.(*Error); ok { //nolint:errorlint // one that this wraps may be another call's
			answer.Region = s.aws.Region
		}
		return none, err
	}
	return out, nil
}

// authenticate gets credentials, so that there not being any is seen as what it is. They are kept until they expire.
func (s *services) authenticate(ctx context.Context) error {
	if s.aws.Credentials != nil {
		_, err := s.aws.Credentials.Retrieve(ctx)
		if err == nil {
			return nil
		}
		failed := newError(ctx, "", err)
		if answer, ok := failed.(*Error); ok && answer.Class == ClassUnreachable { //nolint:errorlint // newError returns it as it is.
			answer.Service, answer.Operation, answer.Class = "credentials", "chain", ClassCredentialsMissing
		}
		return failed
	}
	return &Error{Service: "credentials", Operation: "chain", Class: ClassCredentialsMissing, Message: "the chain has none"}
}

// load reads AWS's configuration.
func (c *Client) load(ctx context.Context) (*services, error) {
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithHTTPClient(c.bareClient()),
		awsconfig.WithRetryer(func() aws.Retryer { return newRetryer(c.limiter, c.options.Retries, c.options.RetryDelay) }),
	}
	if c.config.Region != "" {
		options = append(options, awsconfig.WithRegion(c.config.Region))
	}
	if c.config.Profile != "" {
		options = append(options, awsconfig.WithSharedConfigProfile(c.config.Profile))
	}
	loaded, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, &Error{Service: "configuration", Operation: "chain", Class: ClassCredentialsMissing, Message: httpx.OneLine(err.Error()), Err: err}
	}
	if loaded.Region == "" {
		return nil, &Error{Service: "configuration", Operation: "chain", Class: ClassRegionMissing, Message: "no region is configured"}
	}
	if !regionForm.MatchString(loaded.Region) {
		return nil, &Error{
			Service: "configuration", Operation: "chain", Class: ClassRegionRefused, Region: loaded.Region,
			Message: quote(loaded.Region) + " is no AWS region",
		}
	}
	transport := c.config.Transport
	if bare, ok := loaded.HTTPClient.(*awshttp.BuildableClient); ok {
		transport = bare.GetTransport()
	}
	loaded.HTTPClient = c.httpClient(transport)
	if role := c.config.AssumeRole; role != nil {
		loaded.Credentials = aws.NewCredentialsCache(&roleCredentials{sts: c.newSTS(loaded), role: *role}, func(o *aws.CredentialsCacheOptions) {
			o.ExpiryWindow = expiryWindow
		})
	}
	return &services{
		aws: loaded,
		ecr: ecr.NewFromConfig(loaded, func(o *ecr.Options) { setEndpoint(&o.BaseEndpoint, c.config.Endpoints.ECR) }),
		iam: iam.NewFromConfig(loaded, func(o *iam.Options) { setEndpoint(&o.BaseEndpoint, c.config.Endpoints.IAM) }),
		sts: c.newSTS(loaded),
		codeartifact: codeartifact.NewFromConfig(loaded, func(o *codeartifact.Options) {
			setEndpoint(&o.BaseEndpoint, c.config.Endpoints.CodeArtifact)
		}),
	}, nil
}

func (c *Client) newSTS(loaded aws.Config) *sts.Client {
	return sts.NewFromConfig(loaded, func(o *sts.Options) { setEndpoint(&o.BaseEndpoint, c.config.Endpoints.STS) })
}

func setEndpoint(base **string, address string) {
	if address != "" {
		*base = &address
	}
}

// bareClient is what AWS's configuration is given to fetch credentials with. AWS_CA_BUNDLE can be added to the SDK's own kind of client only, so that ours is
// made into one.
func (c *Client) bareClient() awsconfig.HTTPClient {
	ours, ok := c.config.Transport.(*http.Transport)
	if !ok {
		return c.httpClient(c.config.Transport)
	}
	return awshttp.NewBuildableClient().WithTimeout(c.options.RequestTimeout).WithTransportOptions(func(t *http.Transport) {
		t.Proxy, t.MaxIdleConnsPerHost = ours.Proxy, ours.MaxIdleConnsPerHost // The SDK sets its own dialer, with short time-outs for the machine's role.
		if t.TLSClientConfig = ours.TLSClientConfig.Clone(); t.TLSClientConfig != nil && t.TLSClientConfig.RootCAs != nil {
			t.TLSClientConfig.RootCAs = t.TLSClientConfig.RootCAs.Clone()
		}
	})
}

// httpClient is what every attempt goes through. Repetitions are the SDK's.
func (c *Client) httpClient(transport http.RoundTripper) *http.Client {
	var chain http.RoundTripper = &httpx.WholeAnswers{Next: transport, Max: maxAnswer}
	if c.config.UserAgent != "" {
		chain = &prependAgent{next: chain, name: c.config.UserAgent}
	}
	return &http.Client{
		Transport:     &httpx.Observer{Next: chain, Report: c.config.Observe},
		Timeout:       c.options.RequestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// prependAgent puts our name before the SDK's, which AWS wants to know, too.
type prependAgent struct {
	next http.RoundTripper
	name string
}

// RoundTrip implements http.RoundTripper.
func (t *prependAgent) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", strings.TrimSpace(t.name+" "+req.UserAgent()))
	return t.next.RoundTrip(req)
}

// roleCredentials are those of an assumed role. The SDK has the like in a module of its own.
type roleCredentials struct {
	sts  *sts.Client
	role AssumeRole
}

// Retrieve implements aws.CredentialsProvider.
func (r *roleCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	input := &sts.AssumeRoleInput{
		RoleArn:         &r.role.RoleARN,
		RoleSessionName: aws.String(cmp.Or(r.role.SessionName, "terraform-provider-rime")),
	}
	if r.role.ExternalID != "" {
		input.ExternalId = &r.role.ExternalID
	}
	assumed, err := r.sts.AssumeRole(countFailures(ctx), input)
	if err != nil {
		return aws.Credentials{}, newError(ctx, r.role.RoleARN, err)
	}
	return aws.Credentials{
		AccessKeyID: aws.ToString(assumed.Credentials.AccessKeyId), SecretAccessKey: aws.ToString(assumed.Credentials.SecretAccessKey),
		SessionToken: aws.ToString(assumed.Credentials.SessionToken), Source: "AssumeRole",
		CanExpire: true, Expires: aws.ToTime(assumed.Credentials.Expiration),
	}, nil
}
