package aws_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

func createPolicy(t *testing.T, a *account, name string) *string {
	t.Helper()
	return do(t, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: new(permissions)}).Policy.Arn
}

func TestPolicy_versions(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	arn := createPolicy(t, a, "p")
	widened := strings.Replace(permissions, "ecr:GetAuthorizationToken", "ecr:*", 1)
	for n := 2; n <= 5; n++ {
		out := do(t, a.iam.CreatePolicyVersion, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &widened, SetAsDefault: n == 3})
		equal(t, "version", *out.PolicyVersion.VersionId, fmt.Sprintf("v%d", n))
		equal(t, "default", out.PolicyVersion.IsDefaultVersion, n == 3)
	}
	refused(t, a.iam.CreatePolicyVersion, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &widened}, "LimitExceeded",
		"A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	equal(t, "default", *do(t, a.iam.GetPolicy, &iam.GetPolicyInput{PolicyArn: arn}).Policy.DefaultVersionId, "v3")
	document := do(t, a.iam.GetPolicyVersion, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: new("v3")}).PolicyVersion.Document
	if decoded, err := url.PathUnescape(*document); err != nil || decoded != widened || !strings.HasPrefix(*document, "%7B%22Version%22%3A%20%22") {
		t.Errorf("document %q: %v", *document, err)
	}
	var ids []string
	for pages := iam.NewListPolicyVersionsPaginator(a.iam, &iam.ListPolicyVersionsInput{PolicyArn: arn, MaxItems: new(int32(2))}); pages.HasMorePages(); {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range out.Versions {
			ids = append(ids, *v.VersionId)
		}
	}
	equalLists(t, "versions", ids, []string{"v5", "v4", "v3", "v2", "v1"})
	refused(t, a.iam.DeletePolicyVersion, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: new("v3")}, "DeleteConflict", "Cannot delete the default version of a policy.")
	refused(t, a.iam.DeletePolicy, &iam.DeletePolicyInput{PolicyArn: arn}, "DeleteConflict", "This policy has more than one version.")
	do(t, a.iam.SetDefaultPolicyVersion, &iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: new("v5")})
	for n := 1; n <= 4; n++ {
		do(t, a.iam.DeletePolicyVersion, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: new(fmt.Sprintf("v%d", n))})
	}
	refused(t, a.iam.GetPolicyVersion, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: new("v3")}, "NoSuchEntity", "version v3 does not exist")
	next := do(t, a.iam.CreatePolicyVersion, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: &widened})
	equal(t, "a number is not used again", *next.PolicyVersion.VersionId, "v6")
	do(t, a.iam.DeletePolicyVersion, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: new("v6")})
	do(t, a.iam.DeletePolicy, &iam.DeletePolicyInput{PolicyArn: arn})
	refused(t, a.iam.GetPolicy, &iam.GetPolicyInput{PolicyArn: arn}, "NoSuchEntity", "Policy "+*arn+" was not found.")
}

func TestPolicy_pathTagsAndNames(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	in := &iam.CreatePolicyInput{
		PolicyName: new("p"), Path: new("/rime/"), Description: new("what it is for"), PolicyDocument: new(permissions),
		Tags: []types.Tag{{Key: new("b"), Value: new("2")}, {Key: new("a"), Value: new("1")}},
	}
	arn := do(t, a.iam.CreatePolicy, in).Policy.Arn
	equal(t, "ARN", *arn, "arn:aws:iam::123456789012:policy/rime/p")
	p := do(t, a.iam.GetPolicy, &iam.GetPolicyInput{PolicyArn: arn}).Policy
	if *p.Description != "what it is for" || len(p.Tags) != 2 || *p.Tags[0].Key != "a" || !strings.HasPrefix(*p.PolicyId, "ANPA") || !p.IsAttachable {
		t.Errorf("policy: %+v", p)
	}
	in.PolicyName = new("P")
	refused(t, a.iam.CreatePolicy, in, "EntityAlreadyExists", "A policy called P already exists. Duplicate names are not allowed.")
	do(t, a.iam.TagPolicy, &iam.TagPolicyInput{PolicyArn: arn, Tags: []types.Tag{{Key: new("b"), Value: new("3")}, {Key: new("c"), Value: new("")}}})
	do(t, a.iam.UntagPolicy, &iam.UntagPolicyInput{PolicyArn: arn, TagKeys: []string{"a", "none"}})
	tags := do(t, a.iam.ListPolicyTags, &iam.ListPolicyTagsInput{PolicyArn: arn}).Tags
	if len(tags) != 2 || *tags[0].Value != "3" || *tags[1].Key != "c" {
		t.Errorf("tags: %v", tags)
	}
	refused(t, a.iam.TagPolicy, &iam.TagPolicyInput{PolicyArn: arn, Tags: []types.Tag{{Key: new("x"), Value: new("")}, {Key: new("X"), Value: new("")}}},
		"InvalidInput", "Duplicate tag keys found.")
	refused(t, a.iam.TagPolicy, &iam.TagPolicyInput{PolicyArn: arn, Tags: []types.Tag{{Key: new("aws:x"), Value: new("")}}}, "InvalidInput", "reserved for system use")
	var many []types.Tag
	for n := range 49 {
		many = append(many, types.Tag{Key: new(fmt.Sprint("k", n)), Value: new("")})
	}
	refused(t, a.iam.TagPolicy, &iam.TagPolicyInput{PolicyArn: arn, Tags: many}, "LimitExceeded", "The number of tags has reached the maximum limit.")
}

func TestPolicy_documents(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	statement := func(s string) string { return `{"Version": "2012-10-17", "Statement": [` + s + `]}` }
	for document, message := range map[string]string{
		`{`:                         "Syntax errors in policy.",
		`{"Version": "2012-10-17"}`: "Syntax errors in policy.",
		`{"Version": "2012-10-17", "Statement": [], "Extra": 1}`:                                               "Syntax errors in policy.",
		`{"Version": "2020-01-01", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`:          "must contain a valid version string",
		`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`:                                   "Policy document must be version 2012-10-17 or greater.",
		statement(`{"Effect": "Perhaps", "Action": "*", "Resource": "*"}`):                                     "Syntax errors in policy.",
		statement(`{"Effect": "Allow", "Resource": "*"}`):                                                      "Policy statement must contain actions.",
		statement(`{"Effect": "Allow", "Action": "ecr:PutImage"}`):                                             "Policy statement must contain resources.",
		statement(`{"Effect": "Allow", "Action": "PutImage", "Resource": "*"}`):                                "must be prefaced by a vendor",
		statement(`{"Effect": "Allow", "Action": "*", "Resource": "ml/*"}`):                                    `Resource ml/* must be in ARN format or "*".`,
		statement(`{"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}`):                     "Policy document should not specify a principal.",
		statement(`{"Sid": "a-b", "Effect": "Allow", "Action": "*", "Resource": "*"}`):                         "Statement IDs (SID) must be alpha-numeric.",
		statement(strings.Repeat(`{"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"},`, 2) + `0`): "Syntax errors in policy.",
	} {
		refused(t, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("p"), PolicyDocument: new(document)}, "MalformedPolicyDocument", message)
	}
	one := `{"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"}`
	refused(t, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("p"), PolicyDocument: new(statement(one + "," + one))},
		"MalformedPolicyDocument", "Statement IDs (SID) in a single policy must be unique.")
	long := statement(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::` + strings.Repeat("x", 6100) + `"}`)
	refused(t, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("p"), PolicyDocument: &long}, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
	spaced := permissions + strings.Repeat(" ", 7000)
	do(t, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("white-space-is-free"), PolicyDocument: &spaced})
	refused(t, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new("a b"), PolicyDocument: new(permissions)}, "ValidationError", "The specified value for policyName is invalid.")
	refused(t, a.iam.CreatePolicy, &iam.CreatePolicyInput{PolicyName: new(strings.Repeat("x", 129)), PolicyDocument: new(permissions)}, "ValidationError", "less than or equal to 128")
}

func TestRole_lifecycle(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	boundary := createPolicy(t, a, "boundary")
	in := &iam.CreateRoleInput{
		RoleName: new("server"), Path: new("/rime/"), Description: new("d"), AssumeRolePolicyDocument: new(trust), PermissionsBoundary: boundary,
		Tags: []types.Tag{{Key: new("team"), Value: new("ml")}},
	}
	equal(t, "ARN", *do(t, a.iam.CreateRole, in).Role.Arn, "arn:aws:iam::123456789012:role/rime/server")
	refused(t, a.iam.CreateRole, in, "EntityAlreadyExists", "Role with name server already exists.")
	r := do(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: new("server")}).Role
	if *r.MaxSessionDuration != 3600 || *r.PermissionsBoundary.PermissionsBoundaryArn != *boundary || *r.Tags[0].Value != "ml" || *r.Description != "d" {
		t.Errorf("role: %+v", r)
	}
	if decoded, err := url.PathUnescape(*r.AssumeRolePolicyDocument); err != nil || decoded != trust {
		t.Errorf("trust %q: %v", *r.AssumeRolePolicyDocument, err)
	}
	refused(t, a.iam.DeletePolicy, &iam.DeletePolicyInput{PolicyArn: boundary}, "DeleteConflict", "permissions boundary")
	do(t, a.iam.UpdateRole, &iam.UpdateRoleInput{RoleName: new("server"), MaxSessionDuration: new(int32(7200))})
	do(t, a.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: new("server"), PolicyDocument: new(trustWith("*", ""))})
	do(t, a.iam.DeleteRolePermissionsBoundary, &iam.DeleteRolePermissionsBoundaryInput{RoleName: new("server")})
	do(t, a.iam.TagRole, &iam.TagRoleInput{RoleName: new("server"), Tags: []types.Tag{{Key: new("x"), Value: new("y")}}})
	do(t, a.iam.UntagRole, &iam.UntagRoleInput{RoleName: new("server"), TagKeys: []string{"team"}})
	equal(t, "tag", *do(t, a.iam.ListRoleTags, &iam.ListRoleTagsInput{RoleName: new("server")}).Tags[0].Key, "x")
	r = do(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: new("server")}).Role
	if *r.MaxSessionDuration != 7200 || r.PermissionsBoundary != nil || *r.Description != "d" || !strings.Contains(*r.AssumeRolePolicyDocument, "%2A") {
		t.Errorf("role: %+v", r)
	}
	do(t, a.iam.PutRolePermissionsBoundary, &iam.PutRolePermissionsBoundaryInput{RoleName: new("server"), PermissionsBoundary: boundary})
	entities := do(t, a.iam.ListEntitiesForPolicy, &iam.ListEntitiesForPolicyInput{PolicyArn: boundary, PolicyUsageFilter: types.PolicyUsageTypePermissionsBoundary})
	equal(t, "entity", *entities.PolicyRoles[0].RoleId, *r.RoleId)
	do(t, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new("server")})
	refused(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: new("server")}, "NoSuchEntity", "The role with name server cannot be found.")
	refused(t, a.iam.UpdateRole, &iam.UpdateRoleInput{RoleName: new("server")}, "NoSuchEntity", "cannot be found")
}

func TestRole_invalid(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	for message, change := range map[string]func(*iam.CreateRoleInput){
		"less than or equal to 64":              func(in *iam.CreateRoleInput) { in.RoleName = new(strings.Repeat("x", 65)) },
		"The specified value for roleName is":   func(in *iam.CreateRoleInput) { in.RoleName = new("a/b") },
		"It must begin and end with /":          func(in *iam.CreateRoleInput) { in.Path = new("rime") },
		"less than or equal to 1000":            func(in *iam.CreateRoleInput) { in.Description = new(strings.Repeat("x", 1001)) },
		"Member must be between 3600 and 43200": func(in *iam.CreateRoleInput) { in.MaxSessionDuration = new(int32(60)) },
		"a key of 1 to 128 characters":          func(in *iam.CreateRoleInput) { in.Tags = []types.Tag{{Key: new(""), Value: new("")}} },
		"does not exist or is not attachable.":  func(in *iam.CreateRoleInput) { in.PermissionsBoundary = new("arn:aws:iam::123456789012:policy/none") },
	} {
		in := &iam.CreateRoleInput{RoleName: new("r"), AssumeRolePolicyDocument: new(trust)}
		change(in)
		code := "ValidationError"
		if in.PermissionsBoundary != nil {
			code = "NoSuchEntity"
		}
		refused(t, a.iam.CreateRole, in, code, message)
	}
	none := new("none")
	refused(t, a.iam.ListRoleTags, &iam.ListRoleTagsInput{RoleName: none}, "NoSuchEntity", "none")
	refused(t, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: none}, "NoSuchEntity", "none")
	refused(t, a.iam.ListAttachedRolePolicies, &iam.ListAttachedRolePoliciesInput{RoleName: none}, "NoSuchEntity", "none")
	createRole(t, a, "r", trust)
	refused(t, a.iam.DeleteRolePermissionsBoundary, &iam.DeleteRolePermissionsBoundaryInput{RoleName: new("r")}, "NoSuchEntity", "does not have a permissions boundary")
	refused(t, a.iam.GetPolicy, &iam.GetPolicyInput{PolicyArn: new("policy/without-an-arn")}, "ValidationError", "is not valid")
}

func TestRole_trustDocuments(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	federated := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": ` +
		`"arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/X"}, "Condition": {"StringEquals": {"oidc.eks.us-east-1.amazonaws.com/id/X:sub": ["a", "b"]}}}]}`
	pods := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": "pods.eks.amazonaws.com"}}]}`
	createRole(t, a, "irsa", federated)
	createRole(t, a, "pods", pods)
	for document, message := range map[string]string{
		"": "This policy contains invalid Json",
		strings.Replace(trust, `"Action"`, `"Resource": "*", "Action"`, 1): "Has prohibited field Resource",
		strings.Replace(trust, `"Action": "sts:AssumeRole", `, "", 1):      "Missing required field Action",
		strings.Replace(trust, "sts:AssumeRole", "ecr:PutImage", 1):        "AssumeRole policy may only specify STS AssumeRole actions.",
		`{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole"}}`:   "Missing required field Principal",
		trustWith("nobody", ""): `Invalid principal in policy: "AWS":"nobody"`,
		strings.Replace(pods, "pods.eks.amazonaws.com", "pods", 1): `Invalid principal in policy: "Service":"pods"`,
	} {
		refused(t, a.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: new("irsa"), PolicyDocument: new(document)}, "MalformedPolicyDocument", message)
	}
	long := trustWith("123456789012", `, "Sid": "`+strings.Repeat("x", 2048)+`"`)
	refused(t, a.iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyInput{RoleName: new("irsa"), PolicyDocument: &long}, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRole(t, a, "r", trust)
	attach := func(arn *string) *iam.AttachRolePolicyInput {
		return &iam.AttachRolePolicyInput{RoleName: new("r"), PolicyArn: arn}
	}
	var arns []string
	for n := range 10 {
		arn := createPolicy(t, a, fmt.Sprint("p", n))
		do(t, a.iam.AttachRolePolicy, attach(arn))
		do(t, a.iam.AttachRolePolicy, attach(arn)) // once more is nothing
		arns = append(arns, *arn)
	}
	refused(t, a.iam.AttachRolePolicy, attach(createPolicy(t, a, "p10")), "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
	none := "arn:aws:iam::123456789012:policy/none"
	refused(t, a.iam.AttachRolePolicy, attach(&none), "NoSuchEntity", "Policy "+none+" does not exist or is not attachable.")
	refused(t, a.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: &none}, "NoSuchEntity", "Policy "+none+" was not found.")
	var listed []string
	for pages := iam.NewListAttachedRolePoliciesPaginator(a.iam, &iam.ListAttachedRolePoliciesInput{RoleName: new("r"), MaxItems: new(int32(3))}); pages.HasMorePages(); {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.AttachedPolicies {
			listed = append(listed, *p.PolicyArn)
		}
	}
	equalLists(t, "attached", listed, arns)
	policies := do(t, a.iam.ListPolicies, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, OnlyAttached: true, MaxItems: new(int32(4))})
	if len(policies.Policies) != 4 || !policies.IsTruncated || *policies.Policies[0].AttachmentCount != 1 {
		t.Errorf("policies: %+v", policies)
	}
	equal(t, "roles", *do(t, a.iam.ListEntitiesForPolicy, &iam.ListEntitiesForPolicyInput{PolicyArn: &arns[0]}).PolicyRoles[0].RoleName, "r")
	refused(t, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new("r")}, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	for _, arn := range arns {
		do(t, a.iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: new("r"), PolicyArn: &arn})
	}
	do(t, a.iam.ListInstanceProfilesForRole, &iam.ListInstanceProfilesForRoleInput{RoleName: new("r")})
	do(t, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new("r")})
}

// An inline policy is part of its role, allows what it says, and keeps the role from being deleted.
func TestInlinePolicies(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	arn := createRole(t, a, "r", trust)
	session := a.assume(t, &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: new("s1")})
	list := &ecr.DescribeRepositoriesInput{}
	refused(t, session.ecr.DescribeRepositories, list, "AccessDeniedException", "because no identity-based policy")
	document := func(effect string) *string {
		return new(`{"Version": "2012-10-17", "Statement": [{"Effect": "` + effect + `", "Action": "ecr:DescribeRepositories", "Resource": "*"}]}`)
	}
	put := func(name, effect string) *iam.PutRolePolicyInput {
		return &iam.PutRolePolicyInput{RoleName: new("r"), PolicyName: &name, PolicyDocument: document(effect)}
	}
	do(t, a.iam.PutRolePolicy, put("b", "Deny"))
	do(t, a.iam.PutRolePolicy, put("b", "Allow"))
	do(t, session.ecr.DescribeRepositories, list)
	got := do(t, a.iam.GetRolePolicy, &iam.GetRolePolicyInput{RoleName: new("r"), PolicyName: new("b")})
	if text, err := url.QueryUnescape(*got.PolicyDocument); err != nil || text != *document("Allow") {
		t.Errorf("document %s, %v", text, err)
	}
	do(t, a.iam.PutRolePolicy, put("a", "Deny"))
	refused(t, session.ecr.DescribeRepositories, list, "AccessDeniedException", "explicit deny")
	equalLists(t, "policies", do(t, a.iam.ListRolePolicies, &iam.ListRolePoliciesInput{RoleName: new("r")}).PolicyNames, []string{"a", "b"})
	first := do(t, a.iam.ListRolePolicies, &iam.ListRolePoliciesInput{RoleName: new("r"), MaxItems: new(int32(1))})
	equalLists(t, "page", do(t, a.iam.ListRolePolicies, &iam.ListRolePoliciesInput{RoleName: new("r"), Marker: first.Marker}).PolicyNames, []string{"b"})

	refused(t, a.iam.PutRolePolicy, put("a b", "Allow"), "ValidationError", "policyName")
	refused(t, a.iam.PutRolePolicy, put("c", "Perhaps"), "MalformedPolicyDocument", "")
	long := put("c", "Allow")
	long.PolicyDocument = new(strings.Replace(*document("Allow"), `"ecr:DescribeRepositories"`, `["ecr:`+strings.Repeat("x", 7000)+`"]`, 1))
	do(t, a.iam.PutRolePolicy, long)
	long.PolicyName = new("d")
	refused(t, a.iam.PutRolePolicy, long, "LimitExceeded", "10240")
	refused(t, a.iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: new("none"), PolicyName: new("a"), PolicyDocument: document("Allow")}, "NoSuchEntity", "The role with name none cannot be found.")
	refused(t, a.iam.GetRolePolicy, &iam.GetRolePolicyInput{RoleName: new("r"), PolicyName: new("d")}, "NoSuchEntity", "The role policy with name d cannot be found.")
	refused(t, a.iam.DeleteRolePolicy, &iam.DeleteRolePolicyInput{RoleName: new("r"), PolicyName: new("d")}, "NoSuchEntity", "The role policy with name d cannot be found.")
	refused(t, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new("r")}, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	for _, name := range []string{"a", "b", "c"} {
		do(t, a.iam.DeleteRolePolicy, &iam.DeleteRolePolicyInput{RoleName: new("r"), PolicyName: &name})
	}
	do(t, a.iam.DeleteRole, &iam.DeleteRoleInput{RoleName: new("r")})
}

func TestListRoles_pages(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	var want, got []string
	for n := range 7 {
		createRole(t, a, fmt.Sprint("r", n), trust)
		want = append(want, fmt.Sprint("r", n))
	}
	for pages := iam.NewListRolesPaginator(a.iam, &iam.ListRolesInput{MaxItems: new(int32(3))}); pages.HasMorePages(); {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Roles {
			got = append(got, *r.RoleName)
		}
	}
	equalLists(t, "roles", got, want)
	refused(t, a.iam.ListRoles, &iam.ListRolesInput{Marker: new("!")}, "ValidationError", "Invalid Marker.")
	refused(t, a.iam.ListRoles, &iam.ListRolesInput{MaxItems: new(int32(1001))}, "ValidationError", "Member must be between 1 and 1000")
}

func TestOIDCProviders(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{OIDCProviders: []string{"https://oidc.example.com/id/1"}})
	arn := do(t, a.iam.ListOpenIDConnectProviders, &iam.ListOpenIDConnectProvidersInput{}).OpenIDConnectProviderList[0].Arn
	equal(t, "ARN", *arn, "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/1")
	equal(t, "URL", *do(t, a.iam.GetOpenIDConnectProvider, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}).Url, "oidc.example.com/id/1")
	none := *arn + "0"
	refused(t, a.iam.GetOpenIDConnectProvider, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &none}, "NoSuchEntity", "OpenIDConnect Provider not found for arn "+none)
}
