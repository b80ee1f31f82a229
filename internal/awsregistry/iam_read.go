package awsregistry

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// lookAtIdentity returns a role and its policy as one look shows them.
func (c *Client) lookAtIdentity(ctx context.Context, account Account, id IdentitySpec) (Identity, error) {
	policy, err := find(ctx, c, 1, func(ctx context.Context) (*Policy, error) {
		return c.getPolicy(ctx, account.PolicyARN("/", id.PolicyName))
	})
	if err != nil {
		return Identity{}, err
	}
	role, err := find(ctx, c, 1, func(ctx context.Context) (*Role, error) { return c.getRole(ctx, id.RoleName) })
	if err != nil || role == nil {
		return Identity{Policy: policy}, err
	}
	identity := Identity{Policy: policy, Role: role}
	held, err := find(ctx, c, 1, func(ctx context.Context) (*rolePolicies, error) { return c.listRolePolicies(ctx, id.RoleName) })
	if err != nil || held == nil {
		return Identity{Policy: policy}, err
	}
	ours := account.PolicyARN("/", id.PolicyName)
	identity.Attached, role.OtherPolicies = slices.Contains(held.attached, ours), held.others([]string{ours})
	return identity, nil
}

// getRole returns a role.
func (c *Client) getRole(ctx context.Context, name string) (*Role, error) {
	out, err := call(ctx, c, "role "+name, func(ctx context.Context, s *services) (*iam.GetRoleOutput, error) {
		return s.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	})
	if err != nil {
		return nil, err
	}
	found := out.Role
	role := &Role{
		Name: aws.ToString(found.RoleName), ID: aws.ToString(found.RoleId), ARN: aws.ToString(found.Arn), Path: aws.ToString(found.Path),
		Description: aws.ToString(found.Description), Trust: Unescape(aws.ToString(found.AssumeRolePolicyDocument)),
	}
	if found.PermissionsBoundary != nil {
		role.PermissionsBoundaryARN = aws.ToString(found.PermissionsBoundary.PermissionsBoundaryArn)
	}
	role.Tags, role.Owner = readTags(found.Tags)
	return role, nil
}

// getPolicy returns a policy with its default version.
func (c *Client) getPolicy(ctx context.Context, arn string) (*Policy, error) {
	out, err := call(ctx, c, "policy "+arn, func(ctx context.Context, s *services) (*iam.GetPolicyOutput, error) {
		return s.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	})
	if err != nil {
		return nil, err
	}
	version, err := call(ctx, c, "policy "+arn, func(ctx context.Context, s *services) (*iam.GetPolicyVersionOutput, error) {
		return s.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: out.Policy.DefaultVersionId})
	})
	if is(err, ClassNotFound) {
		return nil, torn(err)
	}
	if err != nil {
		return nil, err
	}
	policy := &Policy{
		Name: aws.ToString(out.Policy.PolicyName), ID: aws.ToString(out.Policy.PolicyId), ARN: aws.ToString(out.Policy.Arn),
		VersionID: aws.ToString(out.Policy.DefaultVersionId), Document: Unescape(aws.ToString(version.PolicyVersion.Document)),
	}
	policy.Tags, policy.Owner = readTags(out.Policy.Tags)
	return policy, nil
}

// rolePolicies are what a role is allowed by: ARNs of attached policies and names of inline ones.
type rolePolicies struct{ attached, inline []string }

// inlinePrefix is before the names of inline policies.
const inlinePrefix = "inline:"

// others are the policies that are not ours.
func (p rolePolicies) others(ours []string) []string {
	others := without(p.attached, ours)
	for _, name := range p.inline {
		others = append(others, inlinePrefix+name)
	}
	return others
}

// listRolePolicies lists both.
func (c *Client) listRolePolicies(ctx context.Context, role string) (*rolePolicies, error) {
	var held rolePolicies
	for marker := (*string)(nil); ; {
		out, err := call(ctx, c, "role "+role, func(ctx context.Context, s *services) (*iam.ListAttachedRolePoliciesOutput, error) {
			return s.iam.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &role, Marker: marker})
		})
		if err != nil {
			return nil, err
		}
		for _, policy := range out.AttachedPolicies {
			held.attached = append(held.attached, aws.ToString(policy.PolicyArn))
		}
		if marker = out.Marker; !out.IsTruncated || marker == nil {
			break
		}
	}
	for marker := (*string)(nil); ; {
		out, err := call(ctx, c, "role "+role, func(ctx context.Context, s *services) (*iam.ListRolePoliciesOutput, error) {
			return s.iam.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role, Marker: marker})
		})
		if err != nil {
			return nil, err
		}
		held.inline = append(held.inline, out.PolicyNames...)
		if marker = out.Marker; !out.IsTruncated || marker == nil {
			return &held, nil
		}
	}
}

// listVersions returns the versions of a policy, the oldest first.
func (c *Client) listVersions(ctx context.Context, arn string) ([]types.PolicyVersion, error) {
	var versions []types.PolicyVersion
	for marker := (*string)(nil); ; {
		out, err := call(ctx, c, "policy "+arn, func(ctx context.Context, s *services) (*iam.ListPolicyVersionsOutput, error) {
			return s.iam.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: &arn, Marker: marker})
		})
		if err != nil {
			return nil, err
		}
		versions = append(versions, out.Versions...)
		if marker = out.Marker; !out.IsTruncated || marker == nil {
			break
		}
	}
	slices.SortStableFunc(versions, func(a, b types.PolicyVersion) int {
		if order := aws.ToTime(a.CreateDate).Compare(aws.ToTime(b.CreateDate)); order != 0 {
			return order
		}
		x, y := aws.ToString(a.VersionId), aws.ToString(b.VersionId)
		if order := len(x) - len(y); order != 0 { // v9 is before v10
			return order
		}
		return strings.Compare(x, y)
	})
	return versions, nil
}

// readTags sorts out the tags: the users', and the value of ours.
func readTags(tags []types.Tag) (users map[string]string, owner string) {
	users = map[string]string{}
	for _, tag := range tags {
		key, value := aws.ToString(tag.Key), aws.ToString(tag.Value)
		switch {
		case key == OwnershipTag:
			owner = value
		case !strings.HasPrefix(key, "aws:"):
			users[key] = value
		}
	}
	return users, owner
}
