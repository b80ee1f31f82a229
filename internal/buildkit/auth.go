package buildkit

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// dockerHubHost is where BuildKit finds the Docker Hub; credentials are kept under another name.
const dockerHubHost = "registry-1.docker.io"

// authProvider answers BuildKit's questions for registry credentials from a keychain, anew each time: a token may have
// expired since. The other questions of the protocol stay unanswered, whereupon BuildKit asks for the credentials.
type authProvider struct {
	auth.UnimplementedAuthServer

	keychain authn.Keychain
	redactor *redactor
}

// Register implements session.Attachable.
func (p *authProvider) Register(server *grpc.Server) { auth.RegisterAuthServer(server, p) }

// Credentials implements auth.AuthServer. No credentials are an answer too: the registry is then asked anonymously.
func (p *authProvider) Credentials(ctx context.Context, req *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	if p.keychain == nil {
		return &auth.CredentialsResponse{}, nil
	}
	host := req.Host
	if host == dockerHubHost {
		host = name.DefaultRegistry
	}
	registry, err := name.NewRegistry(host)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	authenticator, err := authn.Resolve(ctx, p.keychain, registry)
	if err != nil {
		return nil, status.Errorf(codes.Unauthenticated, "no credentials for %s: %v", host, err)
	}
	config, err := authn.Authorization(ctx, authenticator)
	if err != nil {
		return nil, status.Errorf(codes.Unauthenticated, "no credentials for %s: %v", host, err)
	}
	p.redactor.addCredentials(config.Username, config.Password)
	p.redactor.add(hidingWords(config.IdentityToken)...)
	switch {
	case config.IdentityToken != "": // a refresh token, which BuildKit recognises by the missing user name
		return &auth.CredentialsResponse{Secret: config.IdentityToken}, nil
	case config.RegistryToken != "":
		return nil, status.Errorf(codes.FailedPrecondition, "the credentials for %s are a bearer token, which BuildKit cannot use", host)
	default:
		return &auth.CredentialsResponse{Username: config.Username, Secret: config.Password}, nil
	}
}
