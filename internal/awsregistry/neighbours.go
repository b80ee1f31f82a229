package awsregistry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/managed-images/terraform-provider-rime/internal/wait"
)

// Neighbour is another Managed Image Registry of the account.
type Neighbour struct {
	// Prefix is that of its repositories.
	Prefix string
	// Name is what it was seen by: its policy or its creation template.
	Name string
	// policy is the name of its registry server's policy, and owner the owner of its template; one of both.
	policy, owner string
}

// Is tells whether it is the spec's own registry.
func (n Neighbour) Is(spec RegistrySpec) bool {
	return n.policy != "" && n.policy == spec.Server.PolicyName || n.owner != "" && n.owner == spec.Owner
}

// Overlapping are the other registries of the account that have repositories in common with the spec's, as far as they can be
// seen: by creation templates of this provider, by policies with the module's names, and by what this process was asked to
// plan. An error comes with what was seen all the same.
func (c *Client) Overlapping(ctx context.Context, spec RegistrySpec) ([]Neighbour, error) {
	all, err := c.registries(ctx)
	all = append(slices.Clone(all), c.claims.plan(spec)...)
	all = slices.DeleteFunc(all, func(n Neighbour) bool {
		return n.Is(spec) || !Covers(spec.Prefix, under(n.Prefix)) && !Covers(n.Prefix, under(spec.Prefix))
	})
	slices.SortFunc(all, func(a, b Neighbour) int { return strings.Compare(a.Prefix+"\n"+a.Name, b.Prefix+"\n"+b.Name) })
	return slices.Compact(all), err
}

// plan notes the registry that is planned, and returns those that were noted before.
func (c *claims) plan(spec RegistrySpec) []Neighbour {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := slices.Clone(c.planned)
	c.planned = append(c.planned, Neighbour{
		Prefix: spec.Prefix, Name: fmt.Sprintf("another resource of this configuration, with the policy %s", spec.Server.PolicyName), policy: spec.Server.PolicyName,
	})
	return before
}

// inner are the prefixes of other registries within the spec's: their repositories' settings are theirs, so that no two
// configurations change each other's back for ever. What the spec was before is no other one.
func (c *Client) inner(ctx context.Context, spec RegistrySpec, priors ...RegistrySpec) []string {
	if !spec.Repositories.managed() {
		return nil
	}
	all, _ := c.registries(ctx) // What cannot be seen cannot be spared.
	var prefixes []string
	for _, n := range all {
		if !n.Is(spec) && !slices.ContainsFunc(priors, n.Is) && n.Prefix != spec.Prefix && Covers(spec.Prefix, under(n.Prefix)) {
			prefixes = append(prefixes, n.Prefix)
		}
	}
	return prefixes
}

// managed tells whether anything about repositories that exist is managed.
func (s RepositorySettings) managed() bool {
	return s.LifecyclePolicy != "" || s.TagMutability != "" || s.ScanOnPush != nil
}

// registries are those of the account, as far as they can be seen. AWS is asked once.
func (c *Client) registries(ctx context.Context) ([]Neighbour, error) {
	seen, err := c.neighbours.Get(ctx, wait.Always, func(ctx context.Context) (sightings, error) {
		byTemplate, templateErr := c.registriesByTemplate(ctx)
		byPolicy, policyErr := c.registriesByPolicy(ctx)
		return sightings{append(byTemplate, byPolicy...), errors.Join(templateErr, policyErr)}, ctx.Err()
	})
	return seen.registries, errors.Join(err, seen.err)
}

// sightings are what could be seen, and why not more.
type sightings struct {
	registries []Neighbour
	err        error
}

func (c *Client) registriesByTemplate(ctx context.Context) ([]Neighbour, error) {
	var found []Neighbour
	for next := (*string)(nil); ; {
		page, err := call(ctx, c, "", func(ctx context.Context, s *services) (*ecr.DescribeRepositoryCreationTemplatesOutput, error) {
			return s.ecr.DescribeRepositoryCreationTemplates(ctx, &ecr.DescribeRepositoryCreationTemplatesInput{NextToken: next})
		})
		if err != nil {
			return found, err
		}
		for _, one := range page.RepositoryCreationTemplates {
			if t := templateFrom(one); t.Owner != "" {
				prefix := t.Prefix
				if prefix == rootTemplate {
					prefix = ""
				}
				found = append(found, Neighbour{Prefix: prefix, Name: "repository creation template " + t.Prefix, owner: t.Owner})
			}
		}
		if next = page.NextToken; aws.ToString(next) == "" {
			return found, nil
		}
	}
}

func (c *Client) registriesByPolicy(ctx context.Context) ([]Neighbour, error) {
	begin := ModuleNames("", "").ServerPolicy
	arns, err := c.listPolicies(ctx, begin)
	var found []Neighbour
	for _, arn := range arns {
		policy, lookErr := c.getPolicy(ctx, arn)
		switch {
		case is(lookErr, ClassNotFound) || is(lookErr, classTorn): // It has gone meanwhile.
		case lookErr != nil:
			return found, lookErr
		default:
			if prefix, ok := prefixOf(policy.Document); ok {
				found = append(found, Neighbour{Prefix: prefix, Name: "policy " + policy.ARN, policy: policy.Name})
			}
		}
	}
	return found, err
}

// listPolicies are the ARNs of the account's policies whose names begin so.
func (c *Client) listPolicies(ctx context.Context, begin string) ([]string, error) {
	var arns []string
	for marker := (*string)(nil); ; {
		page, err := call(ctx, c, "", func(ctx context.Context, s *services) (*iam.ListPoliciesOutput, error) {
			return s.iam.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, Marker: marker, MaxItems: aws.Int32(pageSize)})
		})
		if err != nil {
			return arns, err
		}
		for _, listed := range page.Policies {
			if strings.HasPrefix(aws.ToString(listed.PolicyName), begin) {
				arns = append(arns, aws.ToString(listed.Arn))
			}
		}
		if marker = page.Marker; !page.IsTruncated || marker == nil {
			return arns, nil
		}
	}
}

// prefixOf is the prefix that a registry server's policy is about.
func prefixOf(text string) (string, bool) {
	var document policyDocument
	if decodeStrictly([]byte(Unescape(text)), &document) != nil {
		return "", false
	}
	for _, statement := range document.Statement {
		for _, resource := range statement.Resource {
			if _, pattern, ok := strings.Cut(resource, ":repository/"); ok && strings.HasSuffix(pattern, "*") {
				return strings.Trim(strings.TrimSuffix(pattern, "*"), "/"), true
			}
		}
	}
	return "", false
}
