package awsregistry

import (
	"context"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// Credentials are what a registry takes as user name and password. They are secret and live for a while only.
type Credentials struct {
	Username string
	Password string
	// Endpoint is the registry's address, with its scheme.
	Endpoint string
	// ExpiresAt is when AWS no longer takes them: twelve hours after they were made, or with the session of a role.
	ExpiresAt time.Time

	madeAt time.Time
}

// fresh tells whether less than half of the life of the credentials is over, so that whoever gets them has the other half to use them.
func (c Credentials) fresh() bool {
	return time.Now().Before(c.madeAt.Add(c.ExpiresAt.Sub(c.madeAt) / 2))
}

// usable tells whether the credentials are good for a request.
func (c Credentials) usable() bool { return time.Now().Before(c.ExpiresAt) }

// Credentials returns credentials for the account's registry, renewed at half their life. Callers at the same time share one request. Where AWS gives no new ones, the
// old ones serve to their end.
func (c *Client) Credentials(ctx context.Context) (Credentials, error) {
	made, err := c.token.Get(ctx, Credentials.fresh, c.newCredentials)
	if err == nil {
		return made, nil
	}
	return c.token.Get(ctx, Credentials.usable, func(context.Context) (Credentials, error) { return Credentials{}, err })
}

// newCredentials asks AWS for them.
func (c *Client) newCredentials(ctx context.Context) (Credentials, error) {
	madeAt := time.Now()
	out, err := call(ctx, c, "", func(ctx context.Context, s *services) (*ecr.GetAuthorizationTokenOutput, error) {
		return s.ecr.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	})
	if err != nil {
		return Credentials{}, err
	}
	broken := &Error{Service: "ECR", Operation: "GetAuthorizationToken", Class: ClassUnreachable, Message: "the answer holds no token"}
	if len(out.AuthorizationData) == 0 {
		return Credentials{}, broken
	}
	data := out.AuthorizationData[0]
	plain, err := base64.StdEncoding.DecodeString(aws.ToString(data.AuthorizationToken))
	username, password, ok := strings.Cut(string(plain), ":")
	if err != nil || !ok {
		return Credentials{}, broken
	}
	return Credentials{
		Username: username, Password: password, Endpoint: aws.ToString(data.ProxyEndpoint),
		ExpiresAt: aws.ToTime(data.ExpiresAt), madeAt: madeAt,
	}, nil
}

// Keychain has the credentials of the ECR registries of the client's account and region; for all others it is anonymous, so that it can be one of several
// ([authn.NewMultiKeychain]). hosts are other names of the same registry, host[:port]. Nothing is asked of AWS before credentials are used, and each use
// gets those that are fresh at that time.
func (c *Client) Keychain(hosts ...string) authn.Keychain { return &keychain{client: c, hosts: hosts} }

type keychain struct {
	client *Client
	hosts  []string
}

// Resolve implements authn.Keychain. Without a context nobody could interrupt the reading of AWS's configuration, so that only the registry's other names are known:
// [authn.Resolve] has the way that go-containerregistry itself goes.
func (k *keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	if slices.Contains(k.hosts, target.RegistryStr()) {
		return &authenticator{k.client}, nil
	}
	return authn.Anonymous, nil
}

// ResolveContext implements authn.ContextKeychain.
func (k *keychain) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	if registry, isECR := ParseRegistryURL(target.RegistryStr()); isECR && k.client.serves(ctx, registry) {
		return &authenticator{k.client}, nil
	}
	return k.Resolve(target)
}

// serves tells whether a token of this client is for that registry: tokens are good in their region, also for registries of other accounts that let the caller in.
// Which region that is, AWS's configuration on this machine tells.
func (c *Client) serves(ctx context.Context, registry Account) bool {
	s, err := c.services.Get(ctx, wait.Always, c.load)
	return err == nil && s.aws.Region == registry.Region
}

// authenticator asks for credentials when they are used.
type authenticator struct{ client *Client }

// Authorization implements authn.Authenticator. Without a context nobody could interrupt the call, so that it is refused: [authn.Authorization] has the
// way that go-containerregistry itself goes.
func (a *authenticator) Authorization() (*authn.AuthConfig, error) {
	return nil, &Error{Service: "ECR", Operation: "GetAuthorizationToken", Message: "asked for without a context; use authn.Authorization"}
}

// AuthorizationContext implements authn.ContextAuthenticator.
func (a *authenticator) AuthorizationContext(ctx context.Context) (*authn.AuthConfig, error) {
	credentials, err := a.client.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	return &authn.AuthConfig{Username: credentials.Username, Password: credentials.Password}, nil
}

// Host is the registry's host[:port].
func (c Credentials) Host() string {
	address, err := url.Parse(c.Endpoint)
	if err != nil {
		return ""
	}
	return address.Host
}
