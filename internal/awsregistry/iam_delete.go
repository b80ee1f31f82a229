package awsregistry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// InUseError is a policy of ours that cannot be deleted because others use it.
type InUseError struct {
	// Policy is its name.
	Policy string
	// Holders are the roles, users and groups it is attached to, besides our roles.
	Holders []string
	Err     error
}

// Error implements error.
func (e *InUseError) Error() string {
	return fmt.Sprintf("policy %s was not deleted, because it is attached to %s: %v", quote(e.Policy), strings.Join(e.Holders, ", "), e.Err)
}

// Unwrap returns AWS's answer.
func (e *InUseError) Unwrap() error { return e.Err }

// asForeign is the error that something is somebody else's.
func asForeign(err error) (*ForeignError, bool) { return errors.AsType[*ForeignError](err) }

// removeRole deletes a role of ours with all that is on it.
func (c *Client) removeRole(ctx context.Context, id identity) error {
	// A role is deleted only when nothing is attached to it any more, everywhere.
	err := c.patiently(ctx, "role "+id.RoleName, func(ctx context.Context) error {
		err := c.emptyRole(ctx, id.RoleName)
		if err == nil {
			_, err = call(ctx, c, "role "+id.RoleName, func(ctx context.Context, s *services) (*iam.DeleteRoleOutput, error) {
				return s.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &id.RoleName})
			})
		}
		if is(err, ClassNotFound) {
			return nil
		}
		return err
	}, ClassConflict)
	if err != nil {
		return err
	}
	return c.confirmGone(ctx, "role "+id.RoleName, func(ctx context.Context) error {
		_, err := c.getRole(ctx, id.RoleName)
		return err
	})
}

// emptyRole takes off a role all that keeps it from being deleted. The policies attached to it stay.
func (c *Client) emptyRole(ctx context.Context, role string) error {
	held, err := c.listRolePolicies(ctx, role)
	if err != nil {
		return err
	}
	return c.takeAllOff(ctx, role, held.others(nil))
}

// takeAllOff takes policies off a role, inline ones by deleting them.
func (c *Client) takeAllOff(ctx context.Context, role string, policies []string) error {
	for _, policy := range policies {
		name, inline := strings.CutPrefix(policy, inlinePrefix)
		if !inline {
			if err := c.takeOff(ctx, role, policy); err != nil {
				return err
			}
			continue
		}
		_, err := call(ctx, c, "role "+role, func(ctx context.Context, s *services) (*iam.DeleteRolePolicyOutput, error) {
			return s.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: &name})
		})
		if err != nil && !is(err, ClassNotFound) {
			return err
		}
	}
	return nil
}

// detachOthers takes the policies off a role that are not allowed on it, if the spec wants that, and returns when they are
// reliably off.
func (c *Client) detachOthers(ctx context.Context, id identity, role *Role) error {
	unwanted := without(role.OtherPolicies, id.spec.AllowedPolicies)
	if !id.spec.ForceDetach || len(unwanted) == 0 {
		return nil
	}
	takeOff := func(ctx context.Context) error { return c.takeAllOff(ctx, id.RoleName, unwanted) }
	if err := takeOff(ctx); err != nil {
		return err
	}
	role.OtherPolicies = without(role.OtherPolicies, unwanted)
	return c.confirm(ctx, "role "+id.RoleName, func(ctx context.Context) (wrong string, err error) {
		held, err := c.listRolePolicies(ctx, id.RoleName)
		if err == nil && slices.ContainsFunc(held.others(nil), func(policy string) bool { return slices.Contains(unwanted, policy) }) {
			wrong = "a policy that was taken off is still there"
		}
		return wrong, err
	}, takeOff)
}

// removePolicy deletes a policy of ours. freed are the roles that had it, which AWS may show for a while yet.
func (c *Client) removePolicy(ctx context.Context, id identity, freed []string) error {
	arn := id.policyARN()
	var used *InUseError
	err := c.patiently(ctx, "policy "+id.PolicyName, func(ctx context.Context) error {
		err := c.deletePolicy(ctx, arn)
		if is(err, ClassConflict) {
			if used = c.explainConflict(ctx, id, freed, err); used != nil {
				err = nil // It will not pass by waiting.
			}
		}
		return err
	}, ClassConflict)
	switch {
	case err != nil:
		return err
	case used != nil:
		return used
	}
	return c.confirmGone(ctx, "policy "+id.PolicyName, func(ctx context.Context) error {
		_, err := c.getPolicy(ctx, arn)
		return err
	})
}

// deletePolicy deletes a policy with all its versions. One that is gone already is no error.
func (c *Client) deletePolicy(ctx context.Context, arn string) error {
	versions, err := c.listVersions(ctx, arn)
	if is(err, ClassNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, version := range versions {
		if version.IsDefaultVersion {
			continue
		}
		if err := c.deleteVersion(ctx, arn, version); err != nil {
			return err
		}
	}
	_, err = call(ctx, c, "policy "+arn, func(ctx context.Context, s *services) (*iam.DeletePolicyOutput, error) {
		return s.iam.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &arn})
	})
	if is(err, ClassNotFound) {
		return nil
	}
	return err
}

// explainConflict tells a policy that others use, which waiting does not help, from one whose detachment has not got around yet, which is nil.
func (c *Client) explainConflict(ctx context.Context, id identity, freed []string, conflict error) *InUseError {
	arn := id.policyARN()
	var holders []string
	if out, err := call(ctx, c, "policy "+arn, func(ctx context.Context, s *services) (*iam.ListEntitiesForPolicyOutput, error) {
		return s.iam.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: &arn})
	}); err == nil { // Without an answer, the conflict itself is all there is to tell.
		for _, role := range out.PolicyRoles {
			if name := aws.ToString(role.RoleName); !slices.Contains(freed, name) {
				holders = append(holders, "role "+name)
			}
		}
		for _, user := range out.PolicyUsers {
			holders = append(holders, "user "+aws.ToString(user.UserName))
		}
		for _, group := range out.PolicyGroups {
			holders = append(holders, "group "+aws.ToString(group.GroupName))
		}
	}
	if len(holders) == 0 {
		return nil
	}
	return &InUseError{Policy: id.PolicyName, Holders: holders, Err: conflict}
}

// detach takes a policy that a role had before off the role, which stays, and returns when it is reliably off.
func (c *Client) detach(ctx context.Context, id identity) error {
	arn := id.policyARN()
	if err := c.takeOff(ctx, id.RoleName, arn); err != nil {
		return err
	}
	return c.confirm(ctx, "role "+id.RoleName, func(ctx context.Context) (wrong string, err error) {
		held, err := c.listRolePolicies(ctx, id.RoleName)
		if err == nil && slices.Contains(held.attached, arn) {
			wrong = "the policy " + id.PolicyName + " is still attached"
		}
		return wrong, err
	}, func(ctx context.Context) error { return c.takeOff(ctx, id.RoleName, arn) })
}

// takeOff detaches a policy from a role. One that is not attached is no error.
func (c *Client) takeOff(ctx context.Context, role, arn string) error {
	_, err := call(ctx, c, "role "+role, func(ctx context.Context, s *services) (*iam.DetachRolePolicyOutput, error) {
		return s.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
	})
	if is(err, ClassNotFound) {
		return nil
	}
	return err
}
