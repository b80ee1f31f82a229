package awsregistry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeartifact"

	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// CodeArtifact has the tokens of AWS CodeArtifact's package indexes, from the credentials of AWS's standard chain. It is safe for
// concurrent use. [NewCodeArtifact] makes it.
type CodeArtifact struct {
	config Config

	mu      sync.Mutex
	clients map[string]*Client
	tokens  map[IndexDomain]*wait.Lazy[indexToken]
}

// NewCodeArtifact makes a source of tokens. It contacts nothing, and reads no file: that is for the first token. The region of the
// configuration does not matter: each index has its own.
func NewCodeArtifact(config Config) *CodeArtifact {
	config.Limiter = nil // ECR has an operation of the same name
	return &CodeArtifact{config: config, clients: map[string]*Client{}, tokens: map[IndexDomain]*wait.Lazy[indexToken]{}}
}

// IndexDomain is a domain of CodeArtifact, which has one token for all its indexes.
type IndexDomain struct {
	// Name is the domain, Owner its account, and Region where it is.
	Name, Owner, Region string
}

// indexHost is the host of an index of CodeArtifact ("CodeArtifact User Guide", "Configure and use pip with CodeArtifact").
var indexHost = regexp.MustCompile(`\A([a-z][a-z0-9-]{0,48}[a-z0-9])-([0-9]{12})\.d\.codeartifact\.([a-z0-9-]+)\.(.+)\z`)

// ParseIndexURL is the domain that an address of an index belongs to. It is not ok for addresses that are none of CodeArtifact.
func ParseIndexURL(address *url.URL) (domain IndexDomain, ok bool) {
	parts := indexHost.FindStringSubmatch(address.Hostname())
	if address.Scheme != "https" || parts == nil || address.Port() != "" && address.Port() != "443" {
		return IndexDomain{}, false
	}
	region, host := parts[3], parts[4]
	if !regionForm.MatchString(region) || host != domainOf(region) && host != "on.aws" {
		return IndexDomain{}, false
	}
	return IndexDomain{parts[1], parts[2], region}, true
}

// indexToken is a token of a domain.
type indexToken struct {
	password string
	// renew is shortly before its end.
	renew time.Time
}

// Credentials are user and password for an address of a package index. It is not ok where the address is none of CodeArtifact.
// An error is a [*TokenError]. A token is asked for once, and again shortly before its end.
func (a *CodeArtifact) Credentials(ctx context.Context, address *url.URL) (user, password string, ok bool, err error) {
	domain, ok := ParseIndexURL(address)
	if !ok {
		return "", "", false, nil
	}
	fresh := func(t indexToken) bool { return time.Now().Before(t.renew) }
	token, err := a.token(domain).Get(ctx, fresh, func(ctx context.Context) (indexToken, error) { return a.request(ctx, domain) })
	if err != nil {
		if ctx.Err() == nil {
			err = &TokenError{Domain: domain, Err: err}
		}
		return "", "", false, err
	}
	return "aws", token.password, true, nil
}

// token is the place of the domain's token.
func (a *CodeArtifact) token(domain IndexDomain) *wait.Lazy[indexToken] {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tokens[domain] == nil {
		a.tokens[domain] = wait.NewLazy[indexToken]()
	}
	return a.tokens[domain]
}

// client is that of a region.
func (a *CodeArtifact) client(region string) (*Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.clients[region]; known != nil {
		return known, nil
	}
	config := a.config
	config.Region = region
	made, err := New(config)
	if err == nil {
		a.clients[region] = made
	}
	return made, err
}

// request asks for a token.
func (a *CodeArtifact) request(ctx context.Context, domain IndexDomain) (indexToken, error) {
	client, err := a.client(domain.Region)
	if err != nil {
		return indexToken{}, err
	}
	made := time.Now()
	out, err := call(ctx, client, "domain "+domain.Name, func(ctx context.Context, s *services) (*codeartifact.GetAuthorizationTokenOutput, error) {
		return s.codeartifact.GetAuthorizationToken(ctx, &codeartifact.GetAuthorizationTokenInput{Domain: &domain.Name, DomainOwner: &domain.Owner})
	})
	if err != nil {
		return indexToken{}, err
	}
	token := aws.ToString(out.AuthorizationToken)
	if token == "" {
		return indexToken{}, &Error{
			Service: codeartifact.ServiceID, Operation: "GetAuthorizationToken", Class: ClassUnreachable, Message: "the answer holds no token",
		}
	}
	expires := aws.ToTime(out.Expiration)
	return indexToken{token, expires.Add(-min(expiryWindow, expires.Sub(made)/2))}, nil
}

// TokenError is a package index of CodeArtifact without a token.
type TokenError struct {
	Domain IndexDomain
	// Err is why: an [*Error] or a [*ConfigError].
	Err error
}

// Error implements error. It says what to do first, as what AWS says can be long.
func (e *TokenError) Error() string {
	return fmt.Sprintf("AWS gives no token for the CodeArtifact domain %s of account %s in %s; %s: %v", e.Domain.Name, e.Domain.Owner, e.Domain.Region, e.NextStep(), e.Err)
}

// Unwrap implements errors' interface.
func (e *TokenError) Unwrap() error { return e.Err }

// NextStep is what to do, in the imperative.
func (e *TokenError) NextStep() string {
	answer, ok := errors.AsType[*Error](e.Err)
	if !ok {
		return "correct the AWS settings of the provider"
	}
	switch answer.Class {
	case ClassDenied:
		return "allow the caller codeartifact:GetAuthorizationToken, codeartifact:ReadFromRepository and sts:GetServiceBearerToken"
	case ClassCredentialsMissing, ClassRegionMissing:
		return "give this machine AWS credentials, or write user and token into the URL of the index"
	case ClassCredentialsExpired:
		return "renew the AWS credentials of this machine"
	case ClassNotFound:
		return "correct domain, account and region in the URL of the index"
	case ClassThrottled, ClassUnavailable:
		return "try again later"
	case ClassUnreachable:
		return "let this machine reach the AWS API of CodeArtifact in that region, or write user and token into the URL of the index"
	case ClassOther, ClassExists, ClassConflict, ClassLimit, ClassPolicyRefused, ClassRegionRefused, classTorn:
	}
	return "check the URL of the index"
}
