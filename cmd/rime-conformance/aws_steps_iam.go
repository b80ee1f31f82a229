package main

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	readImages = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecr:BatchGetImage"],"Resource":["arn:aws:ecr:us-east-1:123456789012:repository/ml/*"]}]}`
	everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	trustOwn   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::123456789012:root"}}]}`
	trustPods  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"Service":"pods.eks.amazonaws.com"}}]}`
	malformed  = `{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps","Action":"*","Resource":"*"}]}`
	policyARN  = "arn:aws:iam::123456789012:policy/ml/reader"
	boundary   = "arn:aws:iam::123456789012:policy/boundary"
	versioned  = "arn:aws:iam::123456789012:policy/versioned"
	held       = "arn:aws:iam::123456789012:policy/held"
	noPolicy   = "arn:aws:iam::123456789012:policy/none"
)

var (
	aRole, noRole = new("reader"), new("none")
	iamTags       = []types.Tag{{Key: new("team"), Value: new("ml")}}
)

func iamSteps() []step {
	return slices.Concat(policySteps(), roleSteps(), identitySteps(), emptyingSteps())
}

func policySteps() []step {
	create, get := (*iam.Client).CreatePolicy, (*iam.Client).GetPolicy
	addVersion, getVersion, list, remove := (*iam.Client).CreatePolicyVersion, (*iam.Client).GetPolicyVersion, (*iam.Client).ListPolicyVersions, (*iam.Client).DeletePolicyVersion
	steps := []step{
		onIAM("GetPolicy: it is missing", get, &iam.GetPolicyInput{PolicyArn: new(policyARN)}),
		onIAM("CreatePolicy", create, &iam.CreatePolicyInput{PolicyName: new("reader"), Path: new("/ml/"), PolicyDocument: new(readImages), Description: new("Reads."), Tags: iamTags}),
		onIAM("CreatePolicy: it exists", create, &iam.CreatePolicyInput{PolicyName: new("reader"), Path: new("/ml/"), PolicyDocument: new(readImages)}),
		onIAM("CreatePolicy: malformed", create, &iam.CreatePolicyInput{PolicyName: new("bad"), PolicyDocument: new(malformed)}),
		onIAM("CreatePolicy: no JSON", create, &iam.CreatePolicyInput{PolicyName: new("bad"), PolicyDocument: new("none")}),
		onIAM("GetPolicy", get, &iam.GetPolicyInput{PolicyArn: new(policyARN)}),
		onIAM("GetPolicyVersion", getVersion, &iam.GetPolicyVersionInput{PolicyArn: new(policyARN), VersionId: new("v1")}),
		onIAM("GetPolicyVersion: it is missing", getVersion, &iam.GetPolicyVersionInput{PolicyArn: new(policyARN), VersionId: new("v2")}),
		onIAM("CreatePolicyVersion", addVersion, &iam.CreatePolicyVersionInput{PolicyArn: new(policyARN), PolicyDocument: new(everything), SetAsDefault: true}),
		onIAM("CreatePolicyVersion: malformed", addVersion, &iam.CreatePolicyVersionInput{PolicyArn: new(policyARN), PolicyDocument: new(malformed)}),
		onIAM("CreatePolicyVersion: no policy", addVersion, &iam.CreatePolicyVersionInput{PolicyArn: new(noPolicy), PolicyDocument: new(everything)}),
	}
	for n := 3; n <= 6; n++ { // there may be five
		steps = append(steps, onIAM(fmt.Sprintf("CreatePolicyVersion: number %d", n), addVersion, &iam.CreatePolicyVersionInput{PolicyArn: new(policyARN), PolicyDocument: new(readImages)}))
	}
	return append(
		steps,
		onIAM("ListPolicyVersions", list, &iam.ListPolicyVersionsInput{PolicyArn: new(policyARN)}),
		onIAM("DeletePolicyVersion: the default", remove, &iam.DeletePolicyVersionInput{PolicyArn: new(policyARN), VersionId: new("v2")}),
		onIAM("DeletePolicyVersion", remove, &iam.DeletePolicyVersionInput{PolicyArn: new(policyARN), VersionId: new("v1")}),
		onIAM("DeletePolicyVersion: it is missing", remove, &iam.DeletePolicyVersionInput{PolicyArn: new(policyARN), VersionId: new("v1")}),
		onIAM("CreatePolicyVersion: the next", addVersion, &iam.CreatePolicyVersionInput{PolicyArn: new(policyARN), PolicyDocument: new(readImages), SetAsDefault: true}),
		onIAM("TagPolicy", (*iam.Client).TagPolicy, &iam.TagPolicyInput{PolicyArn: new(policyARN), Tags: []types.Tag{{Key: new("stage"), Value: new("prod")}}}),
		onIAM("UntagPolicy", (*iam.Client).UntagPolicy, &iam.UntagPolicyInput{PolicyArn: new(policyARN), TagKeys: []string{"team"}}),
		onIAM("GetPolicy: after the changes", get, &iam.GetPolicyInput{PolicyArn: new(policyARN)}),
	)
}

func roleSteps() []step {
	create, get, trust := (*iam.Client).CreateRole, (*iam.Client).GetRole, (*iam.Client).UpdateAssumeRolePolicy
	return []step{
		onIAM("GetRole: it is missing", get, &iam.GetRoleInput{RoleName: aRole}),
		onIAM("CreateRole", create, &iam.CreateRoleInput{RoleName: aRole, Path: new("/ml/"), AssumeRolePolicyDocument: new(trustOwn), Description: new("Reads."), Tags: iamTags}),
		onIAM("CreateRole: it exists", create, &iam.CreateRoleInput{RoleName: aRole, AssumeRolePolicyDocument: new(trustOwn)}),
		onIAM("CreateRole: malformed", create, &iam.CreateRoleInput{RoleName: new("bad"), AssumeRolePolicyDocument: new(malformed)}),
		onIAM("CreateRole: a bad name", create, &iam.CreateRoleInput{RoleName: new("a b"), AssumeRolePolicyDocument: new(trustOwn)}),
		onIAM("GetRole", get, &iam.GetRoleInput{RoleName: aRole}),
		onIAM("UpdateAssumeRolePolicy", trust, &iam.UpdateAssumeRolePolicyInput{RoleName: aRole, PolicyDocument: new(trustPods)}),
		onIAM("UpdateAssumeRolePolicy: malformed", trust, &iam.UpdateAssumeRolePolicyInput{RoleName: aRole, PolicyDocument: new(malformed)}),
		onIAM("UpdateAssumeRolePolicy: no role", trust, &iam.UpdateAssumeRolePolicyInput{RoleName: noRole, PolicyDocument: new(trustPods)}),
		onIAM("TagRole", (*iam.Client).TagRole, &iam.TagRoleInput{RoleName: aRole, Tags: []types.Tag{{Key: new("stage"), Value: new("prod")}}}),
		onIAM("UntagRole", (*iam.Client).UntagRole, &iam.UntagRoleInput{RoleName: aRole, TagKeys: []string{"team"}}),
		onIAM("CreatePolicy: a boundary", (*iam.Client).CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("boundary"), PolicyDocument: new(everything)}),
		onIAM("PutRolePermissionsBoundary", (*iam.Client).PutRolePermissionsBoundary, &iam.PutRolePermissionsBoundaryInput{RoleName: aRole, PermissionsBoundary: new(boundary)}),
		onIAM("GetRole: after the changes", get, &iam.GetRoleInput{RoleName: aRole}),
		onIAM("DeletePolicy: it is a boundary", (*iam.Client).DeletePolicy, &iam.DeletePolicyInput{PolicyArn: new(boundary)}),
		onIAM("DeleteRolePermissionsBoundary", (*iam.Client).DeleteRolePermissionsBoundary, &iam.DeleteRolePermissionsBoundaryInput{RoleName: aRole}),
		onIAM("GetRole: without its boundary", get, &iam.GetRoleInput{RoleName: aRole}),
	}
}

func identitySteps() []step {
	assume := (*sts.Client).AssumeRole
	return []step{
		onSTS("GetCallerIdentity", (*sts.Client).GetCallerIdentity, &sts.GetCallerIdentityInput{}),
		onSTS("AssumeRole: it does not trust the caller", assume, &sts.AssumeRoleInput{RoleArn: new("arn:aws:iam::123456789012:role/ml/reader"), RoleSessionName: new("session")}),
		onIAM("UpdateAssumeRolePolicy: for the account", (*iam.Client).UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: aRole, PolicyDocument: new(trustOwn)}),
		onSTS("AssumeRole", assume, &sts.AssumeRoleInput{RoleArn: new("arn:aws:iam::123456789012:role/ml/reader"), RoleSessionName: new("session")}),
		onSTS("AssumeRole: there is no such role", assume, &sts.AssumeRoleInput{RoleArn: new("arn:aws:iam::123456789012:role/none"), RoleSessionName: new("session")}),
	}
}

func emptyingSteps() []step {
	attach, detach, list := (*iam.Client).AttachRolePolicy, (*iam.Client).DetachRolePolicy, (*iam.Client).ListAttachedRolePolicies
	removeRole, removePolicy := (*iam.Client).DeleteRole, (*iam.Client).DeletePolicy
	steps := []step{
		onIAM("ListAttachedRolePolicies: there are none", list, &iam.ListAttachedRolePoliciesInput{RoleName: aRole}),
		onIAM("ListAttachedRolePolicies: no role", list, &iam.ListAttachedRolePoliciesInput{RoleName: noRole}),
		onIAM("AttachRolePolicy", attach, &iam.AttachRolePolicyInput{RoleName: aRole, PolicyArn: new(policyARN)}),
		onIAM("AttachRolePolicy: again", attach, &iam.AttachRolePolicyInput{RoleName: aRole, PolicyArn: new(policyARN)}),
		onIAM("AttachRolePolicy: no policy", attach, &iam.AttachRolePolicyInput{RoleName: aRole, PolicyArn: new(noPolicy)}),
		onIAM("AttachRolePolicy: no role", attach, &iam.AttachRolePolicyInput{RoleName: noRole, PolicyArn: new(policyARN)}),
		onIAM("ListAttachedRolePolicies", list, &iam.ListAttachedRolePoliciesInput{RoleName: aRole}),
		onIAM("ListEntitiesForPolicy", (*iam.Client).ListEntitiesForPolicy, &iam.ListEntitiesForPolicyInput{PolicyArn: new(policyARN)}),
		onIAM("ListEntitiesForPolicy: no policy", (*iam.Client).ListEntitiesForPolicy, &iam.ListEntitiesForPolicyInput{PolicyArn: new(noPolicy)}),
		onIAM("ListRolePolicies", (*iam.Client).ListRolePolicies, &iam.ListRolePoliciesInput{RoleName: aRole}),
		onIAM("ListRolePolicies: no role", (*iam.Client).ListRolePolicies, &iam.ListRolePoliciesInput{RoleName: noRole}),
		onIAM("DeleteRole: a policy is attached", removeRole, &iam.DeleteRoleInput{RoleName: aRole}),
		onIAM("DetachRolePolicy", detach, &iam.DetachRolePolicyInput{RoleName: aRole, PolicyArn: new(policyARN)}),
		onIAM("DetachRolePolicy: again", detach, &iam.DetachRolePolicyInput{RoleName: aRole, PolicyArn: new(policyARN)}),
		onIAM("DeleteRole", removeRole, &iam.DeleteRoleInput{RoleName: aRole}),
		onIAM("DeleteRole: it is missing", removeRole, &iam.DeleteRoleInput{RoleName: aRole}),
	}
	for n := 2; n <= 5; n++ { // the last is the default
		steps = append(steps, onIAM(fmt.Sprintf("DeletePolicyVersion: v%d", n), (*iam.Client).DeletePolicyVersion, &iam.DeletePolicyVersionInput{PolicyArn: new(policyARN), VersionId: new(fmt.Sprintf("v%d", n))}))
	}
	return append(
		steps,
		onIAM("DeletePolicy", removePolicy, &iam.DeletePolicyInput{PolicyArn: new(policyARN)}),
		onIAM("DeletePolicy: it is missing", removePolicy, &iam.DeletePolicyInput{PolicyArn: new(policyARN)}),
		onIAM("CreatePolicy: with versions", (*iam.Client).CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("versioned"), PolicyDocument: new(readImages)}),
		onIAM("CreatePolicyVersion: its second", (*iam.Client).CreatePolicyVersion, &iam.CreatePolicyVersionInput{PolicyArn: new(versioned), PolicyDocument: new(everything)}),
		onIAM("DeletePolicy: it has versions", removePolicy, &iam.DeletePolicyInput{PolicyArn: new(versioned)}),
		onIAM("CreateRole: of another policy", (*iam.Client).CreateRole, &iam.CreateRoleInput{RoleName: new("holder"), AssumeRolePolicyDocument: new(trustOwn)}),
		onIAM("CreatePolicy: another", (*iam.Client).CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("held"), PolicyDocument: new(everything)}),
		onIAM("AttachRolePolicy: another", attach, &iam.AttachRolePolicyInput{RoleName: new("holder"), PolicyArn: new(held)}),
		onIAM("DeletePolicy: it is attached", removePolicy, &iam.DeletePolicyInput{PolicyArn: new(held)}),
	)
}
