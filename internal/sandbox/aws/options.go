package aws

import (
	"cmp"
	"fmt"
	"regexp"
	"time"
)

// What an account is given where [Options] do not say.
const (
	// DefaultRegion and DefaultAccount are where everything is.
	DefaultRegion  = "us-east-1"
	DefaultAccount = "123456789012"
	// DefaultOIDCProvider is of a Kubernetes cluster, whose service accounts can assume roles.
	DefaultOIDCProvider = "https://oidc.eks.us-east-1.amazonaws.com/id/5A4DB0C0FFEE5A4DB0C0FFEE5A4DB0C0"
	// AccessKeyID and SecretAccessKey are of the user "sandbox", who may do everything.
	AccessKeyID     = "AKIASANDBOXEXAMPLE01"
	SecretAccessKey = "simulated/by/rime-sandbox/it/is/no/secret" //nolint:gosec // it opens nothing
)

// Options of an account. The zero value is one in the partition "aws" with one user, without lag and without quotas.
type Options struct {
	// DataDir keeps what is pushed. It must be empty, for nothing else of the account survives its end.
	DataDir string
	// Partition is "aws", "aws-cn" or "aws-us-gov". Empty follows from the region.
	Partition string
	// Region is the only region of the account, DefaultRegion if empty. Calls that are signed for another one are refused.
	Region string
	// Account is the account's number, DefaultAccount if empty.
	Account string
	// Users have access keys; the one of AccessKeyID if nil.
	Users []User
	// Host is the registry's host and port in the URIs of repositories, ACCOUNT.dkr.ecr.REGION.amazonaws.com if empty.
	Host string
	// OIDCProviders are the URLs of identity providers that IAM has, that of [DefaultOIDCProvider] if nil.
	OIDCProviders []string
	// Domains are those of CodeArtifact.
	Domains []string

	// Clock is time.Now if nil.
	Clock func() time.Time
	// Seed makes identifiers and lags repeatable.
	Seed uint64
	// Lag is how late reads see what was written.
	Lag Lag
	// TokenLife is how long an authorization token of ECR is good. Twelve hours if zero, as ECR's.
	TokenLife time.Duration
	// TokenGrace is how much longer a token is good than it says, so that a test ends its life by [Cloud.ExpireTokens], and not by the clock.
	TokenGrace time.Duration
	// Quotas multiplies the published rates of all operations: 1 are AWS's own, 0 is no throttling at all.
	Quotas float64
	// PreviewTime is how long a lifecycle policy preview is in progress.
	PreviewTime time.Duration
}

// User is an IAM user with an access key.
type User struct {
	// Name is the user's name; "root" is the account itself.
	Name string
	// AccessKeyID is what calls are signed with. The secret is not needed: signatures are not verified.
	AccessKeyID string
}

// Lag is how late reads see what was written: each write takes up to Max to reach every replica, by chance. Until then reads find what was
// there before, and so do calls that need what was written. Creating what exists is always refused.
type Lag struct {
	Max time.Duration
	// Flapping reads come from two replicas, by chance: the one that has it, which is the first to answer, and the one that does not.
	Flapping bool
	// Exact lets every write take the whole of Max.
	Exact bool
	// Images lets what is pushed and deleted lag too, in the calls of ECR's API. In its registry it never does.
	Images bool
	// ListsOnly lets reads of a single thing see the truth at once, so that only lists are late.
	ListsOnly bool
}

var (
	validRegion  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	validAccount = regexp.MustCompile(`^[0-9]{12}$`)
)

// withDefaults completes the options.
func (o Options) withDefaults() (Options, error) {
	o.Region = cmp.Or(o.Region, DefaultRegion)
	o.Account = cmp.Or(o.Account, DefaultAccount)
	o.Partition = cmp.Or(o.Partition, partitionOf(o.Region))
	o.TokenLife = cmp.Or(o.TokenLife, 12*time.Hour)
	o.Host = cmp.Or(o.Host, o.Account+".dkr.ecr."+o.Region+"."+domains[o.Partition])
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.OIDCProviders == nil {
		o.OIDCProviders = []string{DefaultOIDCProvider}
	}
	if o.Users == nil {
		o.Users = []User{{Name: "sandbox", AccessKeyID: AccessKeyID}}
	}
	switch {
	case !validRegion.MatchString(o.Region):
		return o, fmt.Errorf("%q is no region", o.Region)
	case !validAccount.MatchString(o.Account):
		return o, fmt.Errorf("an account's number has twelve digits, and %q has not", o.Account)
	case domains[o.Partition] == "":
		return o, fmt.Errorf("no partition is called %q", o.Partition)
	case o.DataDir == "":
		return o, fmt.Errorf("an account needs a data directory for its registry")
	case o.Lag.Max < 0 || o.TokenLife < 0 || o.TokenGrace < 0 || o.Quotas < 0 || o.PreviewTime < 0:
		return o, fmt.Errorf("lag, token life and grace, quotas and preview time cannot be negative")
	}
	for _, u := range o.Users {
		if u.Name == "" || u.AccessKeyID == "" {
			return o, fmt.Errorf("a user needs a name and an access key, and %q has the key %q", u.Name, u.AccessKeyID)
		}
	}
	return o, nil
}

// domains are the partitions, and where they live.
var domains = map[string]string{"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}

func partitionOf(region string) string {
	switch {
	case len(region) > 3 && region[:3] == "cn-":
		return "aws-cn"
	case len(region) > 7 && region[:7] == "us-gov-":
		return "aws-us-gov"
	}
	return "aws"
}

// globalRegion is the region that calls of IAM are signed for.
func (o Options) globalRegion() string {
	return map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}[o.Partition]
}
