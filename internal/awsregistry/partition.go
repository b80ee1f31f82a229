package awsregistry

import (
	"fmt"
	"regexp"
	"strings"
)

// Partition is one of AWS's separate worlds: ARNs, host names and credentials of one mean nothing in another.
type Partition string

// The partitions this package knows by their regions.
const (
	PartitionAWS   Partition = "aws"
	PartitionChina Partition = "aws-cn"
	PartitionGov   Partition = "aws-us-gov"
	PartitionISO   Partition = "aws-iso"
	PartitionISOB  Partition = "aws-iso-b"
	PartitionEU    Partition = "aws-eusc"
)

// partitions are the beginnings of region names that tell the partition, with its domain.
var partitions = []struct {
	region    string
	partition Partition
	domain    string
}{
	{"cn-", PartitionChina, "amazonaws.com.cn"},
	{"us-gov-", PartitionGov, "amazonaws.com"},
	{"us-isob-", PartitionISOB, "sc2s.sgov.gov"},
	{"us-iso-", PartitionISO, "c2s.ic.gov"},
	{"eusc-", PartitionEU, "amazonaws.eu"},
	{"", PartitionAWS, "amazonaws.com"},
}

// PartitionOf returns the partition that a region belongs to.
func PartitionOf(region string) Partition {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.region) {
			return p.partition
		}
	}
	return PartitionAWS
}

// domainOf returns the domain of the hosts of a region.
func domainOf(region string) string {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.region) {
			return p.domain
		}
	}
	return "amazonaws.com"
}

// Account is where things are: the account, the region and the partition that ARNs name.
type Account struct {
	// ID has twelve digits.
	ID        string
	Region    string
	Partition Partition
}

// RegistryURL is the host name of the account's ECR registry, which is also what image references begin with.
func (a Account) RegistryURL() string {
	return fmt.Sprintf("%s.dkr.ecr.%s.%s", a.ID, a.Region, domainOf(a.Region))
}

// RepositoryARN is the ARN of the repository of that name.
func (a Account) RepositoryARN(repository string) string {
	return fmt.Sprintf("arn:%s:ecr:%s:%s:repository/%s", a.Partition, a.Region, a.ID, repository)
}

// RepositoryARNPattern covers the repositories under the prefix and no others: the prefix ends at a path boundary, so that "ml" covers "ml/x" and
// not "ml-other/x". An empty prefix covers every repository of the account in the region.
func (a Account) RepositoryARNPattern(prefix string) string {
	return a.RepositoryARN(under(prefix) + "*")
}

// RoleARN is the ARN of the role of that path and name.
func (a Account) RoleARN(path, name string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role%s%s", a.Partition, a.ID, path, name)
}

// PolicyARN is the ARN of the policy of that path and name.
func (a Account) PolicyARN(path, name string) string {
	return fmt.Sprintf("arn:%s:iam::%s:policy%s%s", a.Partition, a.ID, path, name)
}

// OIDCProviderARN is the ARN of the IAM identity provider for that issuer; a URL may have its scheme.
func (a Account) OIDCProviderARN(url string) string {
	return fmt.Sprintf("arn:%s:iam::%s:oidc-provider/%s", a.Partition, a.ID, trimScheme(url))
}

func trimScheme(url string) string {
	return strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://"), "/")
}

// under is what the names of the repositories under a prefix begin with.
func under(prefix string) string {
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return ""
	}
	return prefix + "/"
}

// Covers tells whether the repository is under the prefix; an empty prefix covers every one.
func Covers(prefix, repository string) bool { return strings.HasPrefix(repository, under(prefix)) }

// registryHost is the host name of an ECR registry: account, "dkr.ecr" or its FIPS twin, region, domain; or the dual-stack form of it ("Making requests to Amazon ECR
// registries").
var registryHost = regexp.MustCompile(`\A([0-9]{12})\.dkr(?:\.ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov)|-ecr(?:-fips)?\.([a-z0-9-]+)\.on\.aws)\z`)

// ParseRegistryURL returns the account and the region of an ECR registry's host name, and whether it is one.
func ParseRegistryURL(host string) (Account, bool) {
	parts := registryHost.FindStringSubmatch(host)
	if parts == nil {
		return Account{}, false
	}
	region := parts[2] + parts[3]
	return Account{ID: parts[1], Region: region, Partition: PartitionOf(region)}, true
}
