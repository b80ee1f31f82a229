// Package sandbox runs the stand-ins for what cannot be had on a laptop, together behind one gate that records requests and makes some go wrong: an OCI registry,
// a Python package index, and the APIs of a RIME and of a PrimeHub platform on one loopback port, and an AWS account on another.
package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/pypi"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/rime"
)

// PackageIndex is the name of the package index in fault rules and recorded requests.
const PackageIndex = "package_index"

// Options of a sandbox.
type Options struct {
	// Listen is the address to listen at, "127.0.0.1:0" if empty. It must be a loopback address: nothing here is protected.
	Listen string
	// DataDir keeps what is pushed. Empty means a temporary directory, removed by [Sandbox.Close].
	DataDir string
	// Faults are the rules to begin with.
	Faults []fault.Rule
	// Latency delays every request.
	Latency time.Duration
	// Packages are in the package index; those of [Packages] if nil.
	Packages []pypi.Package
	// Platform is the RIME platform.
	Platform rime.Options
	// RIMEImages are images that the RIME platform has from the beginning, by name.
	RIMEImages map[string]rime.Inputs
	// PrimeHub is the PrimeHub platform.
	PrimeHub primehub.Options
	// AWS is the account. It keeps nothing when it ends, so that it has its own data directory.
	AWS aws.Options
	// AWSListen is the address of the account, "127.0.0.1:0" if empty: another port, because ECR's registry has the paths of any registry.
	AWSListen string
}

// Packages are a few tiny packages with dependencies among them.
func Packages() []pypi.Package {
	return []pypi.Package{
		pypi.Simple("sandbox-arrays", "1.0", "1.4", "2.0"),
		{Name: "sandbox-frames", Releases: []pypi.Release{
			{Version: "1.0", Requires: []string{"sandbox-arrays>=1,<2"}},
			{Version: "1.1", Requires: []string{"sandbox-arrays>=1.4,<2"}},
		}},
		{Name: "sandbox-learn", Releases: []pypi.Release{
			{Version: "0.9", Requires: []string{"sandbox-arrays>=1"}},
			{Version: "1.0", Requires: []string{"sandbox-arrays>=1.4"}, Extras: map[string][]string{"frames": {"sandbox-frames"}}},
		}},
	}
}

// Sandbox is a running sandbox.
type Sandbox struct {
	// Gate has the requests so far, and takes fault rules.
	*fault.Gate
	host      string
	apiKey    string
	primehub  *primehub.Platform
	aws       *aws.Server
	server    *http.Server
	ended     chan error
	temporary string
}

// Start starts a sandbox.
func Start(o Options) (s *Sandbox, err error) {
	s = &Sandbox{Gate: &fault.Gate{}, ended: make(chan error, 1)}
	if err := s.SetFaults(o.Faults...); err != nil {
		return nil, err
	}
	s.SetLatency(o.Latency)
	listener, err := listen(o.Listen)
	if err != nil {
		return nil, err
	}
	s.host = listener.Addr().String()
	handler, err := s.handler(o)
	if err == nil {
		err = s.startAWS(o)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close(), s.removeTemporary())
	}
	s.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { s.ended <- s.server.Serve(listener) }()
	return s, nil
}

func (s *Sandbox) startAWS(o Options) (err error) {
	listener, err := listen(o.AWSListen)
	if err != nil {
		return err
	}
	s.aws, err = aws.StartOn(listener, s.Gate, o.AWS)
	return err
}

// listen refuses an address that another machine could reach.
func listen(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	if !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("%q is not a loopback address: the sandbox protects nothing, so that no other machine may reach it", address)
	}
	return net.ListenTCP("tcp", resolved)
}

func (s *Sandbox) handler(o Options) (http.Handler, error) {
	if o.DataDir == "" {
		dir, err := os.MkdirTemp("", "rime-sandbox-")
		if err != nil {
			return nil, err
		}
		o.DataDir, s.temporary = dir, dir
	}
	registry, err := oci.New(oci.Options{DataDir: o.DataDir})
	if err != nil {
		return nil, err
	}
	packages := o.Packages
	if packages == nil {
		packages = Packages()
	}
	platform, err := rime.New(o.Platform)
	if err != nil {
		return nil, err
	}
	for name, inputs := range o.RIMEImages {
		if err := platform.Add(name, inputs); err != nil {
			return nil, fmt.Errorf("image %q of the RIME platform: %w", name, err)
		}
	}
	s.apiKey = platform.APIKey()
	if s.primehub, err = primehub.New(o.PrimeHub); err != nil {
		return nil, err
	}
	index := s.Wrap(PackageIndex, pypi.New(packages...))
	mux := s.Mux(map[string]http.Handler{rime.Service: platform.Control(), primehub.Service: s.primehub.Control()})
	mux.Handle("/v2/", s.Wrap(oci.Service, registry))
	mux.Handle("/simple/", index)
	mux.Handle("/files/", index)
	mux.Handle("/api/", s.primehub.Behind(s.Gate))
	mux.Handle("/", platform.Behind(s.Gate)) // a platform has a web page for every path that nobody else has
	return mux, nil
}

// Close ends the sandbox and every connection to it, and removes a temporary data directory.
func (s *Sandbox) Close() error {
	return errors.Join(s.server.Close(), s.aws.Close(), s.removeTemporary())
}

// Ended delivers the error with which the sandbox ended by itself.
func (s *Sandbox) Ended() <-chan error { return s.ended }

func (s *Sandbox) removeTemporary() error {
	if s.temporary == "" {
		return nil
	}
	return os.RemoveAll(s.temporary)
}

// Addresses tells where everything is.
type Addresses struct {
	// RIMEEndpoint is the URL of the RIME platform, and RIMEAPIKey a key that may do everything there.
	RIMEEndpoint string `json:"rime_endpoint"`
	RIMEAPIKey   string `json:"rime_api_key"`
	// RIMEAPIKeys are keys of that platform by what they may do.
	RIMEAPIKeys map[string]string `json:"rime_api_keys"`
	// PrimeHubEndpoint is the URL of PrimeHub's GraphQL API, and PrimeHubAPIToken the token of an administrator there.
	PrimeHubEndpoint string `json:"primehub_endpoint"`
	PrimeHubAPIToken string `json:"primehub_api_token"`
	// PrimeHubAPITokens are tokens there by whose they are.
	PrimeHubAPITokens map[string]string `json:"primehub_api_tokens"`
	// OCIRegistry is host and port.
	OCIRegistry string `json:"oci_registry"`
	// PackageIndex is the URL for pip.
	PackageIndex string `json:"package_index"`
	// AWSEndpoint is the URL of AWS: STS, IAM, ECR and ECR's registry.
	AWSEndpoint string `json:"aws_endpoint"`
	// Control is the URL of the control endpoint, see [fault.Gate.Control]; those of the platforms are at /rime and
	// /primehub below, see [rime.Platform.Control] and [primehub.Platform.Control], and that of the account at /control/aws of its own address, see
	// [aws.Cloud.Control].
	Control string `json:"control"`
	// Env is the variables that a provider without a configuration block picks up.
	Env map[string]string `json:"env"`
}

// PrimeHub is the PrimeHub platform, for what a client cannot do.
func (s *Sandbox) PrimeHub() *primehub.Platform { return s.primehub }

// Addresses tells where everything is.
func (s *Sandbox) Addresses() Addresses {
	return Addresses{
		RIMEEndpoint: "http://" + s.host,
		RIMEAPIKey:   s.apiKey,
		RIMEAPIKeys: map[string]string{
			"organization_admin": rime.KeyOrgAdmin, "workspace_admin": rime.KeyWorkspaceAdmin, "user": rime.KeyUser, "viewer": rime.KeyViewer, "expired": rime.KeyExpired,
		},
		PrimeHubEndpoint: "http://" + s.host + primehub.Path,
		PrimeHubAPIToken: s.primehub.APIToken(),
		PrimeHubAPITokens: map[string]string{
			"admin": primehub.TokenAdmin, "group_admin": primehub.TokenGroupAdmin, "member": primehub.TokenMember, "outsider": primehub.TokenOutsider,
		},
		OCIRegistry:  s.host,
		PackageIndex: "http://" + s.host + "/simple/",
		AWSEndpoint:  s.aws.URL,
		Control:      "http://" + s.host + "/control",
		Env: map[string]string{
			"RIME_ENDPOINT":              "http://" + s.host,
			"RIME_API_KEY":               s.apiKey,
			"RIME_EMBEDDED_REGISTRY_URL": s.host,
			"PRIMEHUB_API_ENDPOINT":      "http://" + s.host + primehub.Path,
			"PRIMEHUB_API_TOKEN":         s.primehub.APIToken(),
			"PRIMEHUB_GROUP":             s.primehub.DefaultGroup(),
			"AWS_ENDPOINT_URL":           s.aws.URL,
			"AWS_ACCESS_KEY_ID":          aws.AccessKeyID,
			"AWS_SECRET_ACCESS_KEY":      aws.SecretAccessKey,
			"AWS_REGION":                 s.aws.Region(),
		},
	}
}

// Announce writes the addresses as one line of JSON, for the program that started the sandbox to read.
func (s *Sandbox) Announce(w io.Writer) error { return json.NewEncoder(w).Encode(s.Addresses()) }
