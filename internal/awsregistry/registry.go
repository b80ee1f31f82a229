package awsregistry

import (
	"context"
	"fmt"
	"maps"

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
	Name        string
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
	// OtherPolicies are the ARNs of attached policies besides ours, and the names of inline policies with "inline:" before them. They may be meant, as for a
	// key of KMS, so that they are no drift and stay.
	OtherPolicies []string
}

// Policy is a customer managed policy in IAM.
type Policy struct {
	Name string
	ARN  string
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
	Prefix      string
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
	// WithoutPolicy and PolicyDrifted count the repositories without a lifecycle policy, and those with another one than the one asked for. They are looked at
	// only where a lifecycle policy is managed.
	WithoutPolicy int
	PolicyDrifted int
	// SettingsDrifted counts the repositories whose tag mutability or scanning is not as asked for.
	SettingsDrifted int
}

// ReadRegistry returns what there is. Nothing is taken as absent or different before several looks in a row have said so.
//
// A look costs, besides one call of STS for each client: five calls of IAM for each identity (role, its attachments, its inline policies, policy, version), one of ECR
// for each 1,000 repositories of the account, as ECR cannot list by prefix, one for the creation template if there is to be one, and one for each repository
// under the prefix if a lifecycle policy is managed, as ECR has no other way to see them. There is a second look only at what is not as it should be.
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
		_, registry.Repositories, err = c.surveyRepositories(ctx, spec.Prefix, spec.Repositories, c.options.Confirmations)
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
func (c *Client) wrongWith(id identity, seen Identity) (wrong string) {
	c.identityDrift(id.spec, id.IdentitySpec, seen, id.documents, "", func(path, _, _ string) { wrong = path })
	return wrong
}

// Drift is one difference between what is asked for and what there is.
type Drift struct {
	// Path is what differs: "registry_server" or "image_builder" with "role", "trust", "permissions_boundary_arn", "role_path", "role_tags", "role_owner",
	// "policy", "policy_tags", "policy_owner" or "attachment"; "creation_template"; "repositories" with "lifecycle_policy" or "settings".
	Path string
	// Want and Got are both sides, for people.
	Want, Got string
}

// missing is the other side of what is not there.
const missing = "missing"

// Drift compares what there is with what is asked for, by meaning. None: the registry is as it should be.
func (c *Client) Drift(spec RegistrySpec, registry Registry) []Drift {
	documents := spec.Documents(registry.Account)
	var drift []Drift
	add := func(path, want, got string) { drift = append(drift, Drift{Path: path, Want: want, Got: got}) }
	c.identityDrift(spec, spec.Server, registry.Server, documents.Server, "registry_server.", add)
	c.identityDrift(spec, spec.Builder, registry.Builder, documents.Builder, "image_builder.", add)
	if spec.Template != nil {
		if registry.Template == nil {
			add("creation_template", "a template for "+templatePrefix(spec.Prefix), missing)
		} else if want := c.wantedTemplate(spec); !registry.Template.same(want) {
			add("creation_template", want.String(), registry.Template.String())
		}
	}
	report := registry.Repositories
	if n := report.WithoutPolicy + report.PolicyDrifted; n > 0 {
		add("repositories.lifecycle_policy", "the policy on all", fmt.Sprintf("%d without a policy, %d with another one", report.WithoutPolicy, report.PolicyDrifted))
	}
	if report.SettingsDrifted > 0 {
		add("repositories.settings", "the settings on all", fmt.Sprintf("%d with other ones", report.SettingsDrifted))
	}
	return drift
}

// identityDrift compares one identity.
func (c *Client) identityDrift(spec RegistrySpec, id IdentitySpec, is Identity, documents IdentityDocuments, path string, add func(path, want, got string)) {
	compare := func(what, want, got string, same bool) {
		if !same {
			add(path+what, want, got)
		}
	}
	tags := c.MergedTags(spec.Tags)
	compare("policy", documents.Policy, missing, is.Policy != nil)
	if is.Policy != nil {
		compare("policy", documents.Policy, is.Policy.Document, SamePolicy(documents.Policy, is.Policy.Document))
		compare("policy_owner", spec.Owner, is.Policy.Owner, spec.Adopted.hasPolicy(id.PolicyName) || spec.Owner == is.Policy.Owner)
		compare("policy_tags", fmt.Sprint(tags), fmt.Sprint(is.Policy.Tags), maps.Equal(tags, is.Policy.Tags))
	}
	compare("role", id.RoleName, missing, is.Role != nil)
	if is.Role == nil {
		return
	}
	compare("role_owner", spec.Owner, is.Role.Owner, spec.Adopted.hasRole(id.RoleName) || spec.Owner == is.Role.Owner)
	compare("trust", documents.Trust, is.Role.Trust, SamePolicy(documents.Trust, is.Role.Trust))
	compare("permissions_boundary_arn", spec.PermissionsBoundaryARN, is.Role.PermissionsBoundaryARN, spec.PermissionsBoundaryARN == is.Role.PermissionsBoundaryARN)
	compare("role_path", spec.rolePath(), is.Role.Path, spec.rolePath() == is.Role.Path)
	compare("role_tags", fmt.Sprint(tags), fmt.Sprint(is.Role.Tags), maps.Equal(tags, is.Role.Tags))
	compare("attachment", id.PolicyName, missing, is.Attached || is.Policy == nil)
}
