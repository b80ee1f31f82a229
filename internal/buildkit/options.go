package buildkit

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/managed-images/terraform-provider-rime/internal/redact"
)

// Options configures a [Builder]. The zero value builds on the daemon at BuildKit's default socket.
type Options struct {
	// Address is where the daemon is: unix://, tcp://, docker-container://, kube-pod:// or ssh://. Empty means the
	// default sockets of a system daemon and of a rootless one, whichever answers.
	Address string
	// TLS secures tcp:// addresses.
	TLS TLSOptions
	// Keychain knows the credentials of registries. BuildKit asks for them when it needs them; they are never stored. Nil means anonymous.
	Keychain authn.Keychain
	// Insecure tells the registries that are pushed to over plain http. Nil means none but loopback, which BuildKit decides itself.
	Insecure func(registryHost string) bool
	// Platforms are the platforms of every image ("linux/amd64"). Empty means the daemon's own.
	Platforms []string
	// Pip configures pip inside the build.
	Pip PipOptions
	// CAFile is a PEM bundle that downloads inside the build trust besides the base image's own certificates.
	CAFile string
	// Cache is a build cache in a registry.
	Cache CacheOptions
	// Compression is that of the layers which a build adds: "", "gzip", "zstd", "estargz" or "uncompressed". Empty leaves it to
	// BuildKit. The layers of the base image keep their digests in any case.
	Compression string
	// MaxParallel is how many builds run at one time over this Builder. Zero means 2.
	MaxParallel int
	// PushPause is the first pause before a push is repeated that the registry refused for a passing reason; it doubles
	// each time. Zero means 1 s.
	PushPause time.Duration
	// Version is the provider's version, for the labels and the SBOM.
	Version string
}

// TLSOptions are the files that secure a connection to the daemon.
type TLSOptions struct {
	// CACert is the bundle that the daemon's certificate is checked against. Empty means the system's.
	CACert string
	// Cert and Key identify this client; either both or none.
	Cert, Key string
	// ServerName is the name expected in the daemon's certificate, where it is not the address's host.
	ServerName string
}

// enabled tells whether the connection is to be secured at all.
func (t TLSOptions) enabled() bool { return t != TLSOptions{} }

// PipOptions configures pip inside the build. All of it may hold credentials.
type PipOptions struct {
	// IndexURL takes the place of the package index that the base image uses.
	IndexURL string
	// ExtraIndexURLs are searched besides it.
	ExtraIndexURLs []string
	// Config is the text of a pip.conf. What it says goes before the base image's own pip configuration files.
	Config string
}

// CacheOptions is a build cache in a registry.
type CacheOptions struct {
	// Ref is the reference of the cache. Each image exports to a tag of its own that is made of it, and imports from that and
	// from Ref itself. Empty means no such cache.
	Ref string
	// Mode is "min" (the default: layers of the image) or "max" (every step).
	Mode string
}

// OptionError is an option that [New] does not accept.
type OptionError struct {
	// Option is the path of the field within [Options] ("Pip.IndexURL").
	Option string
	// Problem says in a sentence what is wrong with it and what would be right. It repeats no secret.
	Problem string
}

// Error implements error.
func (e *OptionError) Error() string { return fmt.Sprintf("%s: %s", e.Option, e.Problem) }

var (
	addressSchemes = []string{"unix", "tcp", "docker-container", "kube-pod", "ssh"}
	compressions   = []string{"", "gzip", "zstd", "estargz", "uncompressed"}
	cacheModes     = []string{"", "min", "max"}
)

// validate checks everything that can be known without contacting anything.
func (o Options) validate() error {
	return errors.Join(
		o.validateAddress(),
		o.validateTLS(),
		o.validatePlatforms(),
		o.validatePip(),
		o.validateCache(),
		oneOf("Compression", o.Compression, compressions),
	)
}

func (o Options) validateAddress() error {
	if o.Address == "" {
		return nil
	}
	u, err := url.Parse(o.Address)
	switch {
	case err != nil, !slices.Contains(addressSchemes, u.Scheme):
		return &OptionError{"Address", fmt.Sprintf("%q is no address of a BuildKit daemon; it starts with one of %s",
			redact.Text(o.Address), strings.Join(addressSchemes, "://, ")+"://")}
	case u.Scheme == "unix" && u.Path == "":
		return &OptionError{"Address", fmt.Sprintf("%q names no socket; write three slashes, as in unix:///run/buildkit/buildkitd.sock", o.Address)}
	case u.Scheme == "tcp" && (u.Hostname() == "" || u.Port() == ""):
		return &OptionError{"Address", fmt.Sprintf("%q needs a host and a port, as in tcp://buildkitd:1234", o.Address)}
	case u.Scheme != "unix" && u.Host == "":
		return &OptionError{"Address", fmt.Sprintf("%q names nothing after %s://", o.Address, u.Scheme)}
	}
	return nil
}

func (o Options) validateTLS() error {
	if (o.TLS.Cert == "") != (o.TLS.Key == "") {
		return &OptionError{"TLS", "a client certificate and its key belong together; give both or none"}
	}
	if o.TLS.enabled() && !strings.HasPrefix(o.Address, "tcp://") {
		return &OptionError{"TLS", "only tcp:// addresses are secured with TLS; the other kinds of addresses bring their own protection"}
	}
	return nil
}

func (o Options) validatePlatforms() error {
	_, err := parsePlatforms(o.Platforms)
	return err
}

// parsePlatforms parses platforms and removes those that are there twice.
func parsePlatforms(texts []string) ([]ocispecs.Platform, error) {
	var parsed []ocispecs.Platform
	var seen []string
	for _, text := range texts {
		p, err := platforms.Parse(text)
		if err != nil || text == "" {
			return nil, &OptionError{"Platforms", fmt.Sprintf("%q is no platform; write for example linux/amd64", text)}
		}
		p = platforms.Normalize(p)
		if id := platforms.Format(p); !slices.Contains(seen, id) {
			seen, parsed = append(seen, id), append(parsed, p)
		}
	}
	return parsed, nil
}

func (o Options) validatePip() error {
	var errs []error
	if o.Pip.IndexURL != "" {
		errs = append(errs, validateIndexURL("Pip.IndexURL", o.Pip.IndexURL))
	}
	for _, extra := range o.Pip.ExtraIndexURLs {
		errs = append(errs, validateIndexURL("Pip.ExtraIndexURLs", extra))
	}
	return errors.Join(errs...)
}

func validateIndexURL(option, text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return &OptionError{option, "is no URL"} // the parser's words would repeat the credentials
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.ContainsAny(text, " \t\r\n") {
		// A token may stand anywhere in the rest.
		return &OptionError{option, fmt.Sprintf("%q is no address of a package index; write for example https://pypi.org/simple", u.Scheme+"://"+u.Host+"/…")}
	}
	return nil
}

func (o Options) validateCache() error {
	if err := oneOf("Cache.Mode", o.Cache.Mode, cacheModes); err != nil {
		return err
	}
	if o.Cache.Ref == "" {
		return nil
	}
	if _, err := name.ParseReference(o.Cache.Ref); err != nil {
		return &OptionError{"Cache.Ref", err.Error()}
	}
	return nil
}

func oneOf(option, value string, allowed []string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return &OptionError{option, fmt.Sprintf("%q is not one of %s", value, strings.Join(allowed[1:], ", "))}
}

// insecure tells whether a reference is pushed over plain http.
func (o Options) insecure(reference string) bool {
	if o.Insecure == nil {
		return false
	}
	parsed, err := name.ParseReference(reference)
	return err == nil && o.Insecure(parsed.Context().RegistryStr())
}
