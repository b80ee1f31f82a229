package aws_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/agenda"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

func exactly(lag time.Duration) aws.Lag    { return aws.Lag{Max: lag, Exact: true} }
func names(n ...string) []string           { return n }
func found(_ any, err error) (exists bool) { return err == nil }

func TestLag_ofARepository(t *testing.T) {
	t.Parallel()
	clock := agenda.NewClock(time.Now())
	a := start(t, aws.Options{Clock: clock.Now, Lag: exactly(10 * time.Second)})
	createRepository(t, a, "ml/x")
	describe := &ecr.DescribeRepositoriesInput{RepositoryNames: names("ml/x")}
	put := &ecr.PutImageTagMutabilityInput{RepositoryName: new("ml/x"), ImageTagMutability: types.ImageTagMutabilityImmutable}
	refused(t, a.ecr.DescribeRepositories, describe, "RepositoryNotFoundException", "ml/x")
	refused(t, a.ecr.PutImageTagMutability, put, "RepositoryNotFoundException", "ml/x")
	refusedByRegistry(t, a.push(t, "ml/x:1", newImage(t), a.login(t)), http.StatusNotFound, "NAME_UNKNOWN", "ml/x")
	refused(t, a.ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: new("ml/x")}, "RepositoryAlreadyExistsException", "ml/x")
	clock.Advance(10 * time.Second)
	do(t, a.ecr.PutImageTagMutability, put)
	equal(t, "the old state", do(t, a.ecr.DescribeRepositories, describe).Repositories[0].ImageTagMutability, types.ImageTagMutabilityMutable)
	clock.Advance(10 * time.Second)
	equal(t, "the new state", do(t, a.ecr.DescribeRepositories, describe).Repositories[0].ImageTagMutability, types.ImageTagMutabilityImmutable)
	do(t, a.ecr.DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: new("ml/x")})
	do(t, a.ecr.DescribeRepositories, describe)
	refused(t, a.ecr.DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: new("ml/x")}, "RepositoryNotFoundException", "ml/x")
	clock.Advance(10 * time.Second)
	refused(t, a.ecr.DescribeRepositories, describe, "RepositoryNotFoundException", "ml/x")
	createRepository(t, a, "ml/x")
}

func TestLag_ofIAM(t *testing.T) {
	t.Parallel()
	clock := agenda.NewClock(time.Now())
	a := start(t, aws.Options{Clock: clock.Now, Lag: exactly(10 * time.Second)})
	arn := createRole(t, a, "first", trust)
	policy := createPolicy(t, a, "p")
	attach := &iam.AttachRolePolicyInput{RoleName: new("first"), PolicyArn: policy}
	second := &iam.CreateRoleInput{RoleName: new("second"), AssumeRolePolicyDocument: new(trustWith(arn, ""))}
	assume := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: new("s1")}
	refused(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: new("first")}, "NoSuchEntity", "first")
	refused(t, a.iam.GetPolicy, &iam.GetPolicyInput{PolicyArn: policy}, "NoSuchEntity", "policy/p")
	refused(t, a.iam.AttachRolePolicy, attach, "NoSuchEntity", "first")
	refused(t, a.iam.CreateRole, second, "MalformedPolicyDocument", "Invalid principal in policy")
	refused(t, a.sts.AssumeRole, assume, "AccessDenied", "sts:AssumeRole")
	clock.Advance(10 * time.Second)
	do(t, a.iam.CreateRole, second)
	do(t, a.iam.AttachRolePolicy, attach)
	session := a.assume(t, assume)
	refused(t, session.ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{}, "AccessDeniedException", "ecr:GetAuthorizationToken")
	equal(t, "attached", len(do(t, a.iam.ListAttachedRolePolicies, &iam.ListAttachedRolePoliciesInput{RoleName: new("first")}).AttachedPolicies), 0)
	clock.Advance(10 * time.Second)
	do(t, session.ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{})
	equal(t, "attached", len(do(t, a.iam.ListAttachedRolePolicies, &iam.ListAttachedRolePoliciesInput{RoleName: new("first")}).AttachedPolicies), 1)
}

// Each write takes its own time; the same seed gives the same times.
func TestLag_bySeed(t *testing.T) {
	t.Parallel()
	visible := func(seed uint64) (seconds []int) {
		clock := agenda.NewClock(time.Now())
		a := start(t, aws.Options{Clock: clock.Now, Lag: aws.Lag{Max: 30 * time.Second}, Seed: seed})
		for range 4 {
			createRepository(t, a, "ml/x")
			for n := 0; ; n++ {
				if found(a.ecr.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: names("ml/x")})) {
					seconds = append(seconds, n)
					break
				}
				if n > 30 {
					t.Fatal("never visible")
				}
				clock.Advance(time.Second)
			}
			do(t, a.ecr.DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: new("ml/x")})
			clock.Advance(30 * time.Second)
		}
		return seconds
	}
	first := visible(1)
	equalLists(t, "the same seed", visible(1), first)
	other := visible(2)
	if len(first) != 4 || first[0] == first[1] && first[1] == first[2] || first[0] == other[0] && first[1] == other[1] && first[2] == other[2] {
		t.Errorf("seconds: %v and %v", first, other)
	}
}

// A write that takes less time than the one before it does not overtake it.
func TestLag_keepsTheOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		clock := agenda.NewClock(time.Now())
		a := start(t, aws.Options{Clock: clock.Now, Seed: seed})
		createRepository(t, a, "ml/x")
		a.SetLag(aws.Lag{Max: 30 * time.Second})
		policy := func(n int) *string { return new(strings.Replace(keepTen, "10", strconv.Itoa(n), 1)) }
		var seen []int
		for n := 11; n < 16; n++ {
			do(t, a.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/x"), LifecyclePolicyText: policy(n)})
		}
		for range 31 {
			if out, err := a.ecr.GetLifecyclePolicy(t.Context(), &ecr.GetLifecyclePolicyInput{RepositoryName: new("ml/x")}); err == nil {
				text := *out.LifecyclePolicyText
				n, err := strconv.Atoi(text[strings.Index(text, `"countNumber":`)+len(`"countNumber":`):][:2])
				if err != nil {
					t.Fatal(err)
				}
				seen = append(seen, n)
			}
			clock.Advance(time.Second)
		}
		if !slices.IsSorted(seen) || seen[len(seen)-1] != 15 {
			t.Errorf("seed %d: seen %v", seed, seen)
		}
	}
}

func TestLag_flapping(t *testing.T) {
	t.Parallel()
	clock := agenda.NewClock(time.Now())
	a := start(t, aws.Options{Clock: clock.Now, Lag: aws.Lag{Max: 10 * time.Second, Exact: true, Flapping: true}})
	createRepository(t, a, "ml/x")
	look := func() bool {
		return found(a.ecr.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{RepositoryNames: names("ml/x")}))
	}
	equalLists(t, "found", []bool{look(), look()}, []bool{true, false})
	seen := map[bool]int{}
	for range 40 {
		seen[look()]++
	}
	if seen[true] < 5 || seen[false] < 5 {
		t.Errorf("found and not found: %v", seen)
	}
	clock.Advance(10 * time.Second)
	for range 10 {
		equal(t, "settled", look(), true)
	}
}

func TestLag_ofListsOnly(t *testing.T) {
	t.Parallel()
	clock := agenda.NewClock(time.Now())
	a := start(t, aws.Options{Clock: clock.Now, Lag: aws.Lag{Max: 10 * time.Second, Exact: true, ListsOnly: true}})
	createRepository(t, a, "ml/x")
	createRole(t, a, "r", trust)
	list := &ecr.DescribeRepositoriesInput{}
	do(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: names("ml/x")})
	do(t, a.iam.GetRole, &iam.GetRoleInput{RoleName: new("r")})
	equal(t, "listed", len(do(t, a.ecr.DescribeRepositories, list).Repositories), 0)
	equal(t, "listed", len(do(t, a.iam.ListRoles, &iam.ListRolesInput{}).Roles), 0)
	clock.Advance(10 * time.Second)
	equal(t, "listed", len(do(t, a.ecr.DescribeRepositories, list).Repositories), 1)
	equal(t, "listed", len(do(t, a.iam.ListRoles, &iam.ListRolesInput{}).Roles), 1)
}

func TestLag_ofImages(t *testing.T) {
	t.Parallel()
	clock := agenda.NewClock(time.Now())
	a := start(t, aws.Options{Clock: clock.Now})
	createRepository(t, a, "ml/x")
	a.SetLag(aws.Lag{Max: 10 * time.Second, Exact: true, Images: true})
	i := a.pushTagged(t, "ml/x", names("1"))
	describe := &ecr.DescribeImagesInput{RepositoryName: new("ml/x"), ImageIds: []types.ImageIdentifier{{ImageTag: new("1")}}}
	refused(t, a.ecr.DescribeImages, describe, "ImageNotFoundException", "imageTag:'1'")
	clock.Advance(10 * time.Second)
	moved := a.pushTagged(t, "ml/x", names("1")) // the registry itself has it at once, or a push could not go on
	equal(t, "the old state", *do(t, a.ecr.DescribeImages, describe).ImageDetails[0].ImageDigest, i)
	equal(t, "the old state", len(do(t, a.ecr.ListImages, &ecr.ListImagesInput{RepositoryName: new("ml/x")}).ImageIds), 1)
	clock.Advance(10 * time.Second)
	equal(t, "the new state", *do(t, a.ecr.DescribeImages, describe).ImageDetails[0].ImageDigest, moved)
	do(t, a.ecr.BatchDeleteImage, &ecr.BatchDeleteImageInput{RepositoryName: new("ml/x"), ImageIds: describe.ImageIds})
	do(t, a.ecr.DescribeImages, describe)
	clock.Advance(10 * time.Second)
	refused(t, a.ecr.DescribeImages, describe, "ImageNotFoundException", "imageTag:'1'")
}

func TestFaults_byOperation(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	once := func(rule fault.Rule) fault.Rule {
		rule.Times = 1
		return rule
	}
	if err := a.SetFaults(
		once(aws.Failure("ecr:CreateRepository", "ServerException", "try again")),
		fault.Rule{Path: "^/ecr/CreateRepository$", Nth: 2, Times: 1, DropAnswer: true},
		once(aws.Failure("iam:CreatePolicy", "ServiceFailure", "try again")),
		fault.Rule{Path: "^/iam/CreatePolicy$", Nth: 2, Times: 1, Reset: true},
		once(aws.Failure("sts:GetCallerIdentity", "Throttling", "Rate exceeded")),
	); err != nil {
		t.Fatal(err)
	}
	create := &ecr.CreateRepositoryInput{RepositoryName: new("ml/x")}
	refused(t, a.ecr.CreateRepository, create, "ServerException", "try again")
	if _, err := a.ecr.CreateRepository(t.Context(), create); err == nil {
		t.Error("there was an answer")
	}
	refused(t, a.ecr.CreateRepository, create, "RepositoryAlreadyExistsException", "ml/x") // the answer was lost, not the repository
	policy := &iam.CreatePolicyInput{PolicyName: new("p"), PolicyDocument: new(permissions)}
	refused(t, a.iam.CreatePolicy, policy, "ServiceFailure", "try again")
	if _, err := a.iam.CreatePolicy(t.Context(), policy); err == nil {
		t.Error("there was an answer")
	}
	do(t, a.iam.CreatePolicy, policy)
	refused(t, a.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{}, "Throttling", "Rate exceeded")
	equal(t, "creations that came", a.Count("", "^/ecr/CreateRepository$"), 3)
	equal(t, "creations that were answered", a.CallCounts()["ecr:CreateRepository"], 2)
}

func TestFailure_ofWhatThereIsNot(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a fault that never happens")
		}
	}()
	aws.Failure("ecr:CreateRepositry", "ServerException", "x")
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	clock := agenda.NewClock(time.Now())
	a := start(t, aws.Options{Clock: clock.Now, Quotas: 0.5})
	throttled := func(code string, call func() error) (count int) {
		for range 30 {
			if err := call(); err != nil {
				wantError(t, err, code, "Rate exceeded")
				count++
			}
		}
		return count
	}
	describe := func() error {
		_, err := a.ecr.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
		return err
	}
	list := func() error {
		_, err := a.iam.ListRoles(t.Context(), &iam.ListRolesInput{})
		return err
	}
	equal(t, "ECR, of 30 at a rate of 10", throttled("ThrottlingException", describe), 20)
	equal(t, "IAM, of 30 at a rate of 10", throttled("Throttling", list), 20)
	clock.Advance(500 * time.Millisecond)
	equal(t, "after half a second", throttled("ThrottlingException", describe), 25)
	a.SetQuotas(0)
	equal(t, "without quotas", throttled("", describe), 0)
}

// control asks the control endpoint.
func (a *account) control(t *testing.T, method, path string, in any) (status int, out map[string]any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if in == nil {
		body = nil
	}
	request, err := http.NewRequestWithContext(t.Context(), method, a.URL+"/control"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s %s: %s: %v", method, path, text, err)
		}
	}
	return response.StatusCode, out
}

func TestControl(t *testing.T) {
	t.Parallel()
	type object map[string]any
	clock := agenda.NewClock(time.Now())
	a := start(t, aws.Options{Clock: clock.Now})
	set := func(method, path string, in any) {
		t.Helper()
		if status, out := a.control(t, method, path, in); status != http.StatusNoContent {
			t.Errorf("%s %s: status %d %v", method, path, status, out)
		}
	}
	set(http.MethodPut, "/aws/lag", object{"max": "5s", "exact": true})
	createRepository(t, a, "ml/x")
	refused(t, a.ecr.ListImages, &ecr.ListImagesInput{RepositoryName: new("ml/x")}, "RepositoryNotFoundException", "ml/x")
	clock.Advance(5 * time.Second)
	set(http.MethodPost, "/aws/denials", object{"principal": "*", "actions": names("ecr:List*"), "explicit": true})
	refused(t, a.ecr.ListImages, &ecr.ListImagesInput{RepositoryName: new("ml/x")}, "AccessDeniedException", "explicit deny")
	set(http.MethodDelete, "/aws/denials", nil)
	do(t, a.ecr.ListImages, &ecr.ListImagesInput{RepositoryName: new("ml/x")})

	status, out := a.control(t, http.MethodGet, "/aws/calls", nil)
	counts, _ := out["counts"].(map[string]any)
	if calls, _ := out["calls"].([]any); status != http.StatusOK || counts["ecr:ListImages"] != 3.0 || len(calls) != 4 {
		t.Errorf("calls: status %d %v", status, out)
	}
	set(http.MethodDelete, "/aws/calls", nil)
	equal(t, "calls", len(a.Calls()), 0)
	set(http.MethodPut, "/aws/token-life", object{"token_life": "1m"})
	token := do(t, a.ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{})
	equal(t, "expiry", token.AuthorizationData[0].ExpiresAt.Unix(), clock.Now().Add(time.Minute).Unix())
	set(http.MethodDelete, "/aws/tokens", nil)
	set(http.MethodPut, "/aws/quotas", object{"scale": 0.001})
	do(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{})
	refused(t, a.ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{}, "ThrottlingException", "Rate exceeded")
	if status, out := a.control(t, http.MethodPost, "/aws/expire", nil); status != http.StatusOK || out["expired"] == nil {
		t.Errorf("expire: status %d %v", status, out)
	}
	if status, out := a.control(t, http.MethodPut, "/aws/lag", object{"maximum": "5s"}); status != http.StatusBadRequest || out["error"] == nil {
		t.Errorf("a field that is none: status %d %v", status, out)
	}
	if status, out := a.control(t, http.MethodGet, "/requests", nil); status != http.StatusOK || out["requests"] == nil {
		t.Errorf("the gate: status %d %v", status, out)
	}
}

func TestOptions_refused(t *testing.T) {
	t.Parallel()
	for _, o := range []aws.Options{
		{Region: "nowhere"}, {Account: "12"}, {Partition: "gcp"}, {Quotas: -1}, {Lag: aws.Lag{Max: -1}}, {Users: []aws.User{{Name: "nobody"}}},
	} {
		if s, err := aws.Start(o); err == nil {
			t.Errorf("%+v: started, %v", o, s.Close())
		}
	}
}
