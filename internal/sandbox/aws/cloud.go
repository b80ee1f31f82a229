package aws

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/oci"
)

// Service is the name of the account in fault rules and recorded requests.
const Service = "aws"

// The services of the account, by the name in signatures.
const (
	ecrService          = "ecr"
	iamService          = "iam"
	stsService          = "sts"
	codeArtifactService = "codeartifact"
)

// Cloud is the handler of a simulated account. It is safe for concurrent use, serves one call at a time, and runs no goroutine.
type Cloud struct {
	options    Options
	operations map[string]operation // by path, such as "/ecr/CreateRepository"
	blobs      *oci.Registry

	mu         sync.Mutex
	now        time.Time // the time of what happens at present
	lag        Lag
	random     *rand.Rand
	principals map[string]*principal // by access key
	denials    []denial
	buckets    map[string]*bucket
	quotas     float64
	tokenLife  time.Duration

	policies     shelf[policy] // by ARN
	roles        shelf[role]   // by name
	providers    map[string]oidcProvider
	repositories shelf[repository] // by name
	templates    shelf[template]   // by prefix
	tokens       map[string]token
	indexTokens  map[string]time.Time // their ends
	settings     map[string]string
	calls        []Call
}

// operation is one operation of a service.
type operation func(*call) (any, error)

// New returns an account.
func New(o Options) (*Cloud, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Cloud{
		options:    o,
		now:        o.Clock(),
		lag:        o.Lag,
		random:     rand.New(rand.NewPCG(o.Seed, 0x5eed)), //nolint:gosec // it must be repeatable
		principals: map[string]*principal{},
		buckets:    map[string]*bucket{},
		quotas:     o.Quotas,
		tokenLife:  o.TokenLife,
		providers:  map[string]oidcProvider{},
		tokens:     map[string]token{},
		settings:   map[string]string{},

		indexTokens: map[string]time.Time{},
	}
	c.policies, c.roles = newShelf[policy](c), newShelf[role](c)
	c.repositories, c.templates = newShelf[repository](c), newShelf[template](c)
	c.operations = c.allOperations()
	if c.blobs, err = oci.New(oci.Options{DataDir: filepath.Join(o.DataDir, "ecr")}); err != nil {
		return nil, err
	}
	for _, u := range o.Users {
		c.addUser(u)
	}
	for _, url := range o.OIDCProviders {
		c.addOIDCProvider(url)
	}
	return c, nil
}

// allOperations are the operations that there are, by the path that the gate sees.
func (c *Cloud) allOperations() map[string]operation {
	all := c.stsOperations()
	maps.Copy(all, c.iamOperations())
	maps.Copy(all, c.ecrOperations())
	maps.Copy(all, c.codeArtifactOperations())
	return all
}

// Region is the account's region.
func (c *Cloud) Region() string { return c.options.Region }

// Behind returns the account behind a gate, which sees every operation under its own path.
func (c *Cloud) Behind(gate *fault.Gate) http.Handler { return named(gate.Wrap(Service, c)) }

// ServeHTTP implements [http.Handler], for the requests that [Cloud.Behind] has named.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/") {
		c.serveRegistry(w, r)
		return
	}
	call, ok := callOf(r)
	if !ok {
		http.Error(w, "this is the simulated AWS of rime-sandbox, and it has no such operation", http.StatusNotFound)
		return
	}
	status, body := c.answer(call)
	w.Header().Set("Content-Type", contentTypes[call.service])
	w.Header().Set("X-Amzn-Requestid", call.id)
	if call.errorType != "" {
		w.Header().Set("X-Amzn-Errortype", call.errorType)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has gone
}

// answer makes a call and encodes what comes of it, while nothing else can change.
func (c *Cloud) answer(call *call) (status int, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.options.Clock()
	call.id = c.uuid()
	result, err := c.do(call)
	c.record(call.service+":"+call.name, call.by, codeOf(err))
	if err != nil {
		return call.encodeError(err)
	}
	return http.StatusOK, call.encode(result)
}

// do is what every call meets: the signature, the operation, the rate, the permission.
func (c *Cloud) do(call *call) (any, error) {
	do, known := c.operations["/"+call.service+"/"+call.name]
	if !known {
		return nil, call.unknownOperation()
	}
	if err := c.authenticate(call); err != nil {
		return nil, err
	}
	if err := c.throttle(call); err != nil {
		return nil, err
	}
	if err := c.permit(call); err != nil {
		return nil, err
	}
	return do(call)
}

// everywhere is when something written now has reached every replica.
func (c *Cloud) everywhere() time.Time {
	lag := c.lag.Max
	if lag > 0 && !c.lag.Exact {
		lag = time.Duration(c.random.Int64N(int64(lag) + 1))
	}
	return c.now.Add(lag)
}

// uuid is the form of request identifiers.
func (c *Cloud) uuid() string {
	a, b := c.random.Uint64(), c.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// uniqueID is the form of IAM's identifiers: a prefix that tells the kind, and 17 letters and digits.
func (c *Cloud) uniqueID(prefix string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	id := []byte(prefix)
	for range 17 {
		id = append(id, alphabet[c.random.IntN(len(alphabet))])
	}
	return string(id)
}

// arn is an ARN of this account; those of IAM have no region.
func (c *Cloud) arn(service, resource string) string {
	region := c.options.Region
	if service != ecrService {
		region = ""
	}
	return strings.Join([]string{"arn", c.options.Partition, service, region, c.options.Account, resource}, ":")
}
