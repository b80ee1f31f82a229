package awsregistry

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Registry is what a Managed Image Registry has on AWS.
type Registry struct {
	Account Account
	// Server and Builder are the two identities.
	Server, Builder Identity
	// Template is the creation template of the prefix. Nil: there is none, or none was asked for.
	Template *Template
	// Repositories sums up everything under the prefix.
	Repositories RepositoryReport
	// Left are things with names that the registry had before an update and that are somebody else's, so that they stay.
	Left []ForeignObject
}

// Identity is one role with its policy, as far as they exist.
type Identity struct {
	// Role is nil where there is none: that was confirmed by several looks.
	Role *Role
	// Policy is nil where there is none: that was confirmed by several looks.
	Policy *Policy
	// Attached tells that the policy is attached to the role.
	Attached bool
}

// Role is a role in IAM.
type Role struct {
	Name string
	// ID is IAM's unique id of it, which nothing else ever gets.
	ID          string
	ARN         string
	Path        string
	Description string
	// Trust is the trust policy as JSON.
	Trust                  string
	PermissionsBoundaryARN string
	// Tags are without [OwnershipTag] and those that AWS puts on.
	Tags map[string]string
	// Owner is the value of [OwnershipTag]: see [RegistrySpec.Owner]. Empty: there is none.
	Owner string
	// OtherPolicies are the ARNs of attached policies besides ours, and the names of inline policies with "inline:" before them.
	OtherPolicies []string
}

// Policy is a customer managed policy in IAM.
type Policy struct {
	Name string
	// ID is IAM's unique id of it, which nothing else ever gets.
	ID  string
	ARN string
	// Document is the default version as JSON.
	Document string
	// VersionID is that version ("v3").
	VersionID string
	Tags      map[string]string
	// Owner is the value of [OwnershipTag]: see [RegistrySpec.Owner]. Empty: there is none.
	Owner string
}

// Template is a repository creation template.
type Template struct {
	Prefix string
	// ID is when it was made: it has no other.
	ID          string
	AppliedFor  []string
	Description string
	// CustomRoleARN is the role ECR takes on. Empty: its own.
	CustomRoleARN string
	Settings      RepositorySettings
	// Owner is who the description says made it: see [RegistrySpec.Owner]. Empty: it does not say.
	Owner string
}

// RepositoryReport sums up the repositories under a prefix.
type RepositoryReport struct {
	Total int
	// WithoutPolicy and PolicyDrifted are the repositories without a lifecycle policy, and those with another one than the one asked for, by name. They are looked at
	// only where a lifecycle policy is managed.
	WithoutPolicy []string
	PolicyDrifted []string
	// SettingsDrifted are the repositories whose tag mutability or scanning is not as asked for, by name.
	SettingsDrifted []string
}

// ReadRegistry returns what there is. Nothing is taken as absent or different before several looks in a row have said so.
//
// A look costs, besides one call of STS for each client: five calls of IAM for each identity (role, its attachments, its inline policies, policy, version), one of ECR
// for each 1,000 repositories of the account, as ECR cannot list by prefix, one for the creation template if there is to be one, and one for each repository
// under the prefix if a lifecycle policy is managed, as ECR has no other way to see them. Where settings of
// repositories are managed, other registries within the prefix are looked for once: one call of ECR and one of IAM, and two for
// each that has the module's names. There is a second look only at what is not as it should be.
func (c *Client) ReadRegistry(ctx context.Context, spec RegistrySpec) (Registry, error) {
	account, err := c.Account(ctx)
	if err != nil {
		return Registry{}, err
	}
	registry := Registry{Account: account}
	server, builder := c.identities(account, spec)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		registry.Server, err = c.readIdentity(ctx, server)
		return err
	})
	group.Go(func() (err error) {
		registry.Builder, err = c.readIdentity(ctx, builder)
		return err
	})
	group.Go(func() (err error) {
		if spec.Template != nil {
			registry.Template, err = c.readTemplate(ctx, spec)
		}
		return err
	})
	group.Go(func() (err error) {
		_, registry.Repositories, err = c.surveyRepositories(ctx, spec.Prefix, spec.Repositories, c.inner(ctx, spec), c.options.Confirmations)
		return err
	})
	if err := group.Wait(); err != nil {
		return Registry{}, err
	}
	return registry, nil
}

// readIdentity returns a role and its policy. That they are not as they should be is confirmed by several looks.
func (c *Client) readIdentity(ctx context.Context, id identity) (Identity, error) {
	return believe(ctx, c, c.options.Confirmations, func(ctx context.Context) (Identity, error) {
		return c.lookAtIdentity(ctx, id.account, id.IdentitySpec)
	}, func(seen Identity) bool { return c.wrongWith(id, seen) == "" })
}

// wrongWith is what is not as it should be, or nothing.
func (c *Client) wrongWith(id identity, seen Identity) string {
	if drift := c.identityDrift(id, seen, ""); len(drift) > 0 {
		return drift[0].String()
	}
	return ""
}
