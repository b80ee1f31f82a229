package awsregistry

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// maxVersions is how many versions of a policy IAM keeps.
const maxVersions = 5

// identity is one of the two identities of a registry as it is to be.
type identity struct {
	IdentitySpec
	documents   IdentityDocuments
	description string
	spec        RegistrySpec
	account     Account
	tags        map[string]string
	ownership
}

// identities are the two.
func (c *Client) identities(account Account, spec RegistrySpec) (server, builder identity) {
	documents, tags, ours := spec.Documents(account), c.ownedTags(spec.Tags, spec.Owner), c.ownership(spec)
	server = identity{spec.Server, documents.Server, ServerDescription, spec, account, tags, ours}
	return server, identity{spec.Builder, documents.Builder, BuilderDescription, spec, account, tags, ours}
}

// findPolicy returns the policy if it may be changed and deleted, or nil if there is none after so many looks. That it is
// somebody else's, which is a [*ForeignError], is confirmed by several looks.
func (c *Client) findPolicy(ctx context.Context, id identity, looks int) (*Policy, error) {
	look := func(ctx context.Context) (*Policy, error) { return c.getPolicy(ctx, id.policyARN()) }
	ours := func(seen *Policy) bool { return id.coversPolicy(id.PolicyName, seen) }
	found, err := findOurs(ctx, c, looks, look, ours)
	if err == nil && found != nil && !ours(found) {
		return nil, foreign("policy", id.PolicyName, found.ARN, found.Owner, "its tag "+OwnershipTag)
	}
	return found, err
}

// findRole is findPolicy for the role.
func (c *Client) findRole(ctx context.Context, id identity, looks int) (*Role, error) {
	look := func(ctx context.Context) (*Role, error) { return c.getRole(ctx, id.RoleName) }
	ours := func(seen *Role) bool { return id.coversRole(id.RoleName, seen) }
	found, err := findOurs(ctx, c, looks, look, ours)
	if err == nil && found != nil && !ours(found) {
		return nil, foreign("role", id.RoleName, found.ARN, found.Owner, "its tag "+OwnershipTag)
	}
	return found, err
}

// findOurs looks for something. That it is not ours is believed after several looks.
func findOurs[T any](ctx context.Context, c *Client, looks int, look func(context.Context) (*T, error), ours func(*T) bool) (*T, error) {
	found, err := find(ctx, c, looks, look)
	if err != nil || found == nil || ours(found) {
		return found, err
	}
	return believe(ctx, c, c.options.Confirmations, func(ctx context.Context) (*T, error) { return find(ctx, c, 1, look) }, ours)
}

// trustOver is the trust policy that the role is to have, given the one it has: see [TrustSpec.KeepAudience].
func (i identity) trustOver(found string) string { return i.Trust.Keeping(found).Document(i.account) }

func (i identity) policyARN() string { return i.account.PolicyARN("/", i.PolicyName) }

// ensureIdentity makes the policy, the role and the attachment what they are to be. Each step looks first, so that it continues what was interrupted.
func (c *Client) ensureIdentity(ctx context.Context, id identity) error {
	for _, step := range []func(context.Context, identity) error{c.ensurePolicy, c.ensureRole, c.ensureAttachment} {
		if err := c.untilItTakes(ctx, id, step); err != nil {
			return err
		}
	}
	return nil
}

// untilItTakes repeats a step that an old look has misled, or that is about something not known everywhere yet; a policy that names what IAM does not know
// is repeated for a few seconds only, as IAM says the same of a policy that is wrong.
func (c *Client) untilItTakes(ctx context.Context, id identity, step func(context.Context, identity) error) error {
	var refused error
	refusals := 0
	err := c.patiently(ctx, "role "+id.RoleName, func(ctx context.Context) error {
		err := step(ctx, id)
		if is(err, ClassPolicyRefused) {
			if refusals++; refusals > repairAfter {
				refused, err = err, nil
			}
		}
		return err
	}, ClassNotFound, ClassPolicyRefused, classTorn)
	if err != nil {
		return err
	}
	return refused
}

// ensurePolicy makes the policy what it is to be. A change is a new version, so that there is no moment without the policy.
func (c *Client) ensurePolicy(ctx context.Context, id identity) error {
	found, err := c.findPolicy(ctx, id, 1)
	if err != nil {
		return err
	}
	if found == nil {
		return c.createPolicy(ctx, id)
	}
	if !SamePolicy(found.Document, id.documents.Policy) {
		if err := c.addVersion(ctx, id); err != nil {
			return err
		}
	}
	return c.ensurePolicyTags(ctx, id, found)
}

func (c *Client) createPolicy(ctx context.Context, id identity) error {
	_, err := call(ctx, c, "policy "+id.PolicyName, func(ctx context.Context, s *services) (*iam.CreatePolicyOutput, error) {
		return s.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: &id.PolicyName, PolicyDocument: &id.documents.Policy, Tags: iamTags(id.tags)})
	})
	return unseen(err)
}

// unseen makes of the error that something exists, which a look has just not found, one of a look that says nothing.
func unseen(err error) error {
	if is(err, ClassExists) {
		return torn(err)
	}
	return err
}

// addVersion makes the document the policy's default version. Where there are five, the oldest that is not in use goes first.
func (c *Client) addVersion(ctx context.Context, id identity) error {
	arn := id.policyARN()
	return c.patiently(ctx, "policy "+id.PolicyName, func(ctx context.Context) error {
		if err := c.pruneVersions(ctx, arn); err != nil {
			return err
		}
		_, err := call(ctx, c, "policy "+arn, func(ctx context.Context, s *services) (*iam.CreatePolicyVersionOutput, error) {
			return s.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: &id.documents.Policy, SetAsDefault: true})
		})
		return err
	}, ClassLimit) // The list of versions may lag behind: then there is one more to prune.
}

// pruneVersions leaves room for one more version.
func (c *Client) pruneVersions(ctx context.Context, arn string) error {
	versions, err := c.listVersions(ctx, arn)
	if err != nil {
		return err
	}
	for i := 0; len(versions) >= maxVersions && i < len(versions); {
		if versions[i].IsDefaultVersion {
			i++
			continue
		}
		if err := c.deleteVersion(ctx, arn, versions[i]); err != nil {
			return err
		}
		versions = slices.Delete(versions, i, i+1)
	}
	return nil
}

// deleteVersion deletes a version of a policy. One that is gone already is no error.
func (c *Client) deleteVersion(ctx context.Context, arn string, version types.PolicyVersion) error {
	_, err := call(ctx, c, "policy "+arn, func(ctx context.Context, s *services) (*iam.DeletePolicyVersionOutput, error) {
		return s.iam.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: &arn, VersionId: version.VersionId})
	})
	if is(err, ClassNotFound) {
		return nil
	}
	return err
}

func (c *Client) ensurePolicyTags(ctx context.Context, id identity, found *Policy) error {
	arn := id.policyARN()
	set, remove := tagChanges(id.tags, found.Tags, found.Owner)
	if len(set) > 0 {
		if _, err := call(ctx, c, "policy "+arn, func(ctx context.Context, s *services) (*iam.TagPolicyOutput, error) {
			return s.iam.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: &arn, Tags: iamTags(set)})
		}); err != nil {
			return err
		}
	}
	if len(remove) == 0 {
		return nil
	}
	_, err := call(ctx, c, "policy "+arn, func(ctx context.Context, s *services) (*iam.UntagPolicyOutput, error) {
		return s.iam.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: &arn, TagKeys: remove})
	})
	return err
}

// ensureRole makes the role what it is to be.
func (c *Client) ensureRole(ctx context.Context, id identity) error {
	found, err := c.findRole(ctx, id, 1)
	if err != nil {
		return err
	}
	if found == nil {
		return c.createRole(ctx, id)
	}
	if found.Path != id.spec.rolePath() {
		return &Error{
			Service: "IAM", Operation: "GetRole", Subject: "role " + id.RoleName, Class: ClassConflict,
			Message: "its path is " + quote(found.Path) + ", which cannot be changed; the role has to be replaced to have the path " + quote(id.spec.rolePath()),
		}
	}
	return c.changeRole(ctx, id, found)
}

func (c *Client) createRole(ctx context.Context, id identity) error {
	_, err := call(ctx, c, "role "+id.RoleName, func(ctx context.Context, s *services) (*iam.CreateRoleOutput, error) {
		return s.iam.CreateRole(ctx, &iam.CreateRoleInput{
			RoleName: &id.RoleName, AssumeRolePolicyDocument: &id.documents.Trust, Path: aws.String(id.spec.rolePath()), Description: &id.description,
			PermissionsBoundary: optional(id.spec.PermissionsBoundaryARN), Tags: iamTags(id.tags),
		})
	})
	return unseen(err)
}

// changeRole changes what differs about a role.
func (c *Client) changeRole(ctx context.Context, id identity, found *Role) error {
	var changes []func(context.Context, *services) error
	if trust := id.trustOver(found.Trust); !SamePolicy(found.Trust, trust) {
		changes = append(changes, func(ctx context.Context, s *services) error {
			_, err := s.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &id.RoleName, PolicyDocument: &trust})
			return err
		})
	}
	switch boundary := id.spec.PermissionsBoundaryARN; boundary {
	case found.PermissionsBoundaryARN:
	case "":
		changes = append(changes, func(ctx context.Context, s *services) error {
			_, err := s.iam.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: &id.RoleName})
			return err
		})
	default:
		changes = append(changes, func(ctx context.Context, s *services) error {
			_, err := s.iam.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: &id.RoleName, PermissionsBoundary: &boundary})
			return err
		})
	}
	set, remove := tagChanges(id.tags, found.Tags, found.Owner)
	if len(set) > 0 {
		changes = append(changes, func(ctx context.Context, s *services) error {
			_, err := s.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: &id.RoleName, Tags: iamTags(set)})
			return err
		})
	}
	if len(remove) > 0 {
		changes = append(changes, func(ctx context.Context, s *services) error {
			_, err := s.iam.UntagRole(ctx, &iam.UntagRoleInput{RoleName: &id.RoleName, TagKeys: remove})
			return err
		})
	}
	for _, change := range changes {
		if _, err := call(ctx, c, "role "+id.RoleName, func(ctx context.Context, s *services) (struct{}, error) { return struct{}{}, change(ctx, s) }); err != nil {
			return err
		}
	}
	return nil
}

// ensureAttachment attaches the policy to the role. AWS takes an attachment that is there already as done.
func (c *Client) ensureAttachment(ctx context.Context, id identity) error {
	arn := id.policyARN()
	held, err := c.listRolePolicies(ctx, id.RoleName)
	if err != nil || slices.Contains(held.attached, arn) {
		return err
	}
	_, err = call(ctx, c, "role "+id.RoleName, func(ctx context.Context, s *services) (*iam.AttachRolePolicyOutput, error) {
		return s.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &id.RoleName, PolicyArn: &arn})
	})
	return err
}

// confirmIdentity looks until role, policy and attachment are reliably what they are to be, and returns them.
func (c *Client) confirmIdentity(ctx context.Context, id identity) (Identity, error) {
	var seen Identity
	err := c.confirm(ctx, "role "+id.RoleName, func(ctx context.Context) (wrong string, err error) {
		seen, err = c.lookAtIdentity(ctx, id.account, id.IdentitySpec)
		if err != nil {
			return "", err
		}
		wrong = c.wrongWith(id, seen)
		if wrong == "" && (seen.Role.Owner != id.spec.Owner || seen.Policy.Owner != id.spec.Owner) {
			wrong = "tag " + OwnershipTag
		}
		return wrong, nil
	}, func(ctx context.Context) error { return c.ensureIdentity(ctx, id) })
	return seen, err
}

// tagChanges are the tags to set and the keys to remove.
func tagChanges(want, got map[string]string, owner string) (set map[string]string, remove []string) {
	set = maps.Clone(want)
	maps.DeleteFunc(set, func(key, value string) bool {
		is, there := got[key]
		return there && is == value || key == OwnershipTag && value == owner
	})
	for key := range got {
		if _, wanted := want[key]; !wanted {
			remove = append(remove, key)
		}
	}
	slices.Sort(remove)
	return set, remove
}

func iamTags(tags map[string]string) []types.Tag {
	var list []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: &key, Value: aws.String(tags[key])})
	}
	return list
}
