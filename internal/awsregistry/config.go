package awsregistry

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/lifeline"
)

// Config is what a [Client] needs. What is left out is taken from AWS's standard chain: environment, shared files, the machine's or the pod's role.
type Config struct {
	// Region is where the registry is. Empty: the chain's.
	Region string
	// Profile is one of the shared configuration files. Empty: the chain's.
	Profile string
	// AssumeRole is a role to take on with the credentials of the chain. Nil: none.
	AssumeRole *AssumeRole
	// Endpoints replace AWS's own addresses.
	Endpoints Endpoints
	// DefaultTags are put on everything this client creates, besides the tags of each.
	DefaultTags map[string]string
	// Transport makes the requests; package httpx has one.
	Transport http.RoundTripper
	// UserAgent names the caller to AWS.
	UserAgent string
	// Limiter keeps to AWS's quotas. Nil: one of this client's own.
	Limiter *Limiter
	// Observe is told of every request. Nil: nobody is.
	Observe func(context.Context, httpx.Exchange)
	// Options tune what rarely needs to be tuned.
	Options Options
}

// AssumeRole is a role to take on.
type AssumeRole struct {
	RoleARN string
	// SessionName shows in the account's trail. Default "terraform-provider-rime".
	SessionName string
	// ExternalID is what the role's owner may have asked for. May be empty.
	ExternalID string
}

// Endpoints are addresses with a scheme. Empty: AWS's own, or those of AWS_ENDPOINT_URL and its kin.
type Endpoints struct {
	ECR string
	IAM string
	STS string
	// CodeArtifact is the service's API, not an index.
	CodeArtifact string
}

// Options tune a [Client]. Zero values take the defaults.
type Options struct {
	// RequestTimeout bounds each attempt of a request. Default 60 s.
	RequestTimeout time.Duration
	// Retries is how often a request is repeated that failed for another reason than throttling. Default 4; negative: never.
	Retries int
	// RetryDelay is the wait before the first repetition; it doubles each time, up to ten seconds. Default 250 ms.
	RetryDelay time.Duration
	// Confirmations is how many looks in a row, a second apart, must agree before a change is believed, or something not to be there or not as it should be.
	// Default 5; three times as many once a look has shown that AWS lags behind.
	Confirmations int
	// SettleTimeout bounds how long AWS may take to show a change. Default 3 min.
	SettleTimeout time.Duration
	// Concurrency is how many requests are under way at a time. Default 16.
	Concurrency int
	// Lifelines is a directory that all processes of this machine share, by which a run of Terraform learns that the one before it died: see [Client.NewOwner]. Empty: nobody
	// learns of it.
	Lifelines string
	// Workspace identifies the machine and directory of this run of Terraform. Default: [lifeline.Workspace].
	Workspace string
}

func (o Options) withDefaults() Options {
	return Options{
		RequestTimeout: cmp.Or(o.RequestTimeout, time.Minute),
		Retries:        max(cmp.Or(o.Retries, 4), 0),
		RetryDelay:     cmp.Or(o.RetryDelay, 250*time.Millisecond),
		Confirmations:  cmp.Or(o.Confirmations, 5),
		SettleTimeout:  cmp.Or(o.SettleTimeout, 3*time.Minute),
		Concurrency:    cmp.Or(o.Concurrency, 16),
		Lifelines:      o.Lifelines,
		Workspace:      cmp.Or(o.Workspace, lifeline.Workspace()),
	}
}

var (
	regionForm  = regexp.MustCompile(`\A[a-z]{2,}(?:-[a-z]+)+-[0-9]+\z`)
	roleARNForm = regexp.MustCompile(`\Aarn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+\z`)
)

// check refuses what cannot work, before anything is asked.
func (c Config) check() error {
	switch {
	case c.Region != "" && !regionForm.MatchString(c.Region):
		return &ConfigError{Field: "aws.region", Problem: quote(c.Region) + " is no AWS region, as in \"eu-central-1\""}
	case c.AssumeRole != nil && !roleARNForm.MatchString(c.AssumeRole.RoleARN):
		return &ConfigError{Field: "aws.assume_role.role_arn", Problem: quote(c.AssumeRole.RoleARN) + " is not the ARN of a role"}
	}
	for _, endpoint := range []struct{ field, address string }{
		{"aws.endpoints.ecr", c.Endpoints.ECR},
		{"aws.endpoints.iam", c.Endpoints.IAM},
		{"aws.endpoints.sts", c.Endpoints.STS},
		{"aws.endpoints.codeartifact", c.Endpoints.CodeArtifact},
	} {
		if endpoint.address == "" {
			continue
		}
		address, err := url.Parse(endpoint.address)
		if err != nil || address.Host == "" || (address.Scheme != "https" && address.Scheme != "http") {
			return &ConfigError{Field: endpoint.field, Problem: "is no address with a scheme, as in \"https://ecr.example.com\""}
		}
	}
	return nil
}
