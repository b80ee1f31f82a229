package aws_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/agenda"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/aws"
)

// ruleText is a rule of a lifecycle policy that expires.
func ruleText(priority int, selection string) string {
	return fmt.Sprintf(`{"rulePriority": %d, "description": "why", "selection": {%s}, "action": {"type": "expire"}}`, priority, selection)
}

// archiveText is a rule of a lifecycle policy that archives.
func archiveText(priority int, selection string) string {
	return strings.Replace(ruleText(priority, selection), `"type": "expire"`, `"type": "transition", "targetStorageClass": "archive"`, 1)
}

func policyOf(rules ...string) *string { return new(`{"rules": [` + strings.Join(rules, ",") + `]}`) }

func TestLifecyclePolicy_putGetDelete(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	get := &ecr.GetLifecyclePolicyInput{RepositoryName: new("ml/x")}
	refused(t, a.ecr.GetLifecyclePolicy, get, "LifecyclePolicyNotFoundException",
		"Lifecycle policy does not exist for the repository with name 'ml/x' in the registry with id '123456789012'")
	do(t, a.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/x"), LifecyclePolicyText: new(keepTen)})
	equal(t, "text", *do(t, a.ecr.GetLifecyclePolicy, get).LifecyclePolicyText, strings.ReplaceAll(keepTen, " ", ""))
	do(t, a.ecr.DeleteLifecyclePolicy, &ecr.DeleteLifecyclePolicyInput{RepositoryName: new("ml/x")})
	refused(t, a.ecr.DeleteLifecyclePolicy, &ecr.DeleteLifecyclePolicyInput{RepositoryName: new("ml/x")}, "LifecyclePolicyNotFoundException", "ml/x")
	refused(t, a.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/none"), LifecyclePolicyText: new(keepTen)}, "RepositoryNotFoundException", "ml/none")
}

func TestLifecyclePolicy_rules(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	put := func(text *string) *ecr.PutLifecyclePolicyInput {
		return &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/x"), LifecyclePolicyText: text}
	}
	const (
		count    = `"countType": "imageCountMoreThan", "countNumber": 3`
		days     = `"countType": "sinceImagePushed", "countUnit": "days", "countNumber": 3`
		anyImage = `"tagStatus": "any", ` + count
		untagged = `"tagStatus": "untagged", ` + days
		tagged   = `"tagStatus": "tagged", "tagPatternList": ["v*"], ` + count
		schema   = "Lifecycle policy validation failure: instance failed to match exactly one schema (matched 0 out of 2)"
	)
	do(t, a.ecr.PutLifecyclePolicy, put(policyOf(ruleText(30, anyImage), ruleText(1, untagged), ruleText(2, tagged), ruleText(3, strings.Replace(tagged, "tagPatternList", "tagPrefixList", 1)))))
	kept := *do(t, a.ecr.GetLifecyclePolicy, &ecr.GetLifecyclePolicyInput{RepositoryName: new("ml/x")}).LifecyclePolicyText
	equalLists(t, "priorities, as ECR orders them", regexp.MustCompile(`"rulePriority":\d+`).FindAllString(kept, -1),
		[]string{`"rulePriority":1`, `"rulePriority":2`, `"rulePriority":3`, `"rulePriority":30`})
	var tooMany []string
	for n := range 51 {
		tooMany = append(tooMany, ruleText(n+1, tagged))
	}
	for _, tc := range []struct {
		text    *string
		message string
	}{
		{new(`{"rules": []}`), "Member must have length greater than or equal to 100"},
		{new(strings.Repeat(" ", 30721)), "Member must have length less than or equal to 30720"},
		{new(strings.Repeat("é", 100)), "Lifecycle policy validation failure: Could not map policyString into LifecyclePolicy."},
		{policyOf(tooMany...), "between 1 and 50 rules"},
		{policyOf(ruleText(1, anyImage), ruleText(2, untagged)), "Rule for tagStatus=ANY must have the lowest priority per storage class"},
		{policyOf(ruleText(1, untagged), ruleText(1, tagged)), "priorities must be unique"},
		{policyOf(ruleText(1, untagged), ruleText(2, untagged)), "Only one rule can select Untagged images per storage class."},
		{policyOf(ruleText(0, anyImage)), schema},
		{policyOf(ruleText(1, `"tagStatus": "tagged", `+count)), "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED."},
		{policyOf(ruleText(1, `"tagPrefixList": ["v"], `+anyImage)), schema},
		{policyOf(ruleText(1, `"tagPrefixList": ["v"], `+tagged)), schema},
		{policyOf(ruleText(1, `"countUnit": "days", `+anyImage)), schema},
		{policyOf(ruleText(1, `"tagStatus": "any", "countType": "sinceImagePushed", "countNumber": 3`)), schema},
		{policyOf(ruleText(1, `"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 0`)), schema},
		{policyOf(ruleText(1, `"extra": 1, `+anyImage)), schema},
		{policyOf(strings.Replace(ruleText(1, anyImage), "expire", "archive", 1)), schema},
		{policyOf(strings.Replace(ruleText(1, anyImage), "expire", "transition", 1)), schema},
		{policyOf(strings.Replace(ruleText(1, anyImage), `"type": "expire"`, `"type": "expire", "targetStorageClass": "archive"`, 1)), schema},
		{policyOf(ruleText(1, `"tagStatus": "any", "storageClass": "archive", "countType": "sinceImageTransitioned", "countUnit": "days", "countNumber": 89`)), schema},
		{policyOf(ruleText(1, `"tagStatus": "any", "storageClass": "glacier", `+count)), schema},
		{policyOf(strings.Replace(ruleText(1, anyImage), "rulePriority", "rulepriority", 1)), schema},
		{policyOf(ruleText(1, strings.Replace(anyImage, "countType", "CountType", 1))), schema},
		{policyOf(ruleText(1, `"tagPatternList": null, `+anyImage)), "instance type (null) does not match any allowed primitive type"},
		{policyOf(ruleText(1, strings.Replace(tagged, "v*", "*a*b*c*d*", 1))), "at most 4 wildcards"},
	} {
		refused(t, a.ecr.PutLifecyclePolicy, put(tc.text), "InvalidParameterException", tc.message)
	}
}

// The examples are those of "Examples of lifecycle policies in Amazon ECR", with ages in days.
func TestLifecyclePreview_evaluates(t *testing.T) {
	t.Parallel()
	prod := `"tagStatus": "tagged", "tagPrefixList": ["prod"], "countType": "imageCountMoreThan", "countNumber": 1`
	beta := strings.Replace(prod, "prod", "beta", 1)
	for name, tc := range map[string]struct {
		images [][]string // the tags of images, the oldest first, a day apart
		policy *string
		want   map[int]int // priorities by the number of the image
	}{
		"by age": {
			[][]string{{"a"}, {"b"}, {}, {"c"}},
			policyOf(ruleText(1, `"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 3`)),
			map[int]int{0: 1, 1: 1},
		},
		"untagged": {
			[][]string{{"a"}, {}, {}},
			policyOf(ruleText(5, `"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1`)),
			map[int]int{1: 5},
		},
		"two rules": {
			[][]string{{"beta-1", "prod-1"}, {"beta-2", "prod-2"}, {"beta-3"}},
			policyOf(ruleText(1, prod), ruleText(2, beta)),
			map[int]int{0: 1},
		},
		"two rules, the other way round": {
			[][]string{{"beta-1", "prod-1"}, {"beta-2", "prod-2"}, {"beta-3"}},
			policyOf(ruleText(1, beta), ruleText(2, prod)),
			map[int]int{0: 1, 1: 1},
		},
		"all tags of a list": {
			[][]string{{"alpha-1"}, {"beta-1"}, {"alpha-2", "beta-2"}, {"alpha-3", "beta-3"}},
			policyOf(ruleText(1, strings.Replace(prod, `"prod"`, `"alpha", "beta"`, 1))),
			map[int]int{2: 1},
		},
		"patterns, and what is spared counts": {
			[][]string{{"v1-prod"}, {"v2-dev"}, {"v3-dev"}},
			policyOf(ruleText(1, `"tagStatus": "tagged", "tagPatternList": ["v*-prod"], "countType": "imageCountMoreThan", "countNumber": 1`),
				ruleText(2, `"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1`)),
			map[int]int{1: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := agenda.NewClock(time.Now())
			a := start(t, aws.Options{Clock: clock.Now})
			createRepository(t, a, "ml/x")
			digests := map[string]int{}
			for n, tags := range tc.images {
				digests[a.pushTagged(t, "ml/x", tags)] = n
				clock.Advance(24 * time.Hour)
			}
			do(t, a.ecr.StartLifecyclePolicyPreview, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: new("ml/x"), LifecyclePolicyText: tc.policy})
			out := do(t, a.ecr.GetLifecyclePolicyPreview, &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: new("ml/x")})
			got := map[int]int{}
			for _, r := range out.PreviewResults {
				got[digests[*r.ImageDigest]] = int(*r.AppliedRulePriority)
			}
			equal(t, "expiring", fmt.Sprint(got), fmt.Sprint(tc.want))
			equal(t, "summary", int(*out.Summary.ExpiringImageTotalCount), len(tc.want))
			do(t, a.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/x"), LifecyclePolicyText: tc.policy})
			equal(t, "expired", len(a.Expire()), len(tc.want))
			left := do(t, a.ecr.DescribeImages, &ecr.DescribeImagesInput{RepositoryName: new("ml/x")}).ImageDetails
			equal(t, "left", len(left), len(tc.images)-len(tc.want))
			evaluated := do(t, a.ecr.GetLifecyclePolicy, &ecr.GetLifecyclePolicyInput{RepositoryName: new("ml/x")}).LastEvaluatedAt
			equal(t, "evaluated", evaluated.Unix(), clock.Now().Unix())
		})
	}
}

// pushTagged pushes a new image with tags, or none, and returns its digest.
func (a *account) pushTagged(t *testing.T, repository string, tags []string) string {
	t.Helper()
	i, login := newImage(t), a.login(t)
	d := digest(t, i)
	if err := a.push(t, repository+"@"+d, i, login); err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags {
		if err := a.push(t, repository+":"+tag, i, login); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestLifecyclePreview_progress(t *testing.T) {
	t.Parallel()
	clock := agenda.NewClock(time.Now())
	a := start(t, aws.Options{Clock: clock.Now, PreviewTime: time.Minute})
	createRepository(t, a, "ml/x")
	get := &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: new("ml/x")}
	begin := &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: new("ml/x")}
	refused(t, a.ecr.GetLifecyclePolicyPreview, get, "LifecyclePolicyPreviewNotFoundException", "ml/x")
	refused(t, a.ecr.StartLifecyclePolicyPreview, begin, "LifecyclePolicyNotFoundException", "ml/x")
	begin.LifecyclePolicyText = new(keepTen)
	equal(t, "status", do(t, a.ecr.StartLifecyclePolicyPreview, begin).Status, types.LifecyclePolicyPreviewStatusInProgress)
	equal(t, "status", do(t, a.ecr.GetLifecyclePolicyPreview, get).Status, types.LifecyclePolicyPreviewStatusInProgress)
	refused(t, a.ecr.StartLifecyclePolicyPreview, begin, "LifecyclePolicyPreviewInProgressException", "is already in progress")
	clock.Advance(time.Minute)
	equal(t, "status", do(t, a.ecr.GetLifecyclePolicyPreview, get).Status, types.LifecyclePolicyPreviewStatusComplete)
}

// What an index refers to is not expired before the index.
func TestLifecycle_sparesWhatAnIndexRefersTo(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	if err := a.push(t, "ml/x:1", indexOf(newImage(t)), a.login(t)); err != nil {
		t.Fatal(err)
	}
	untagged := policyOf(ruleText(1, `"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1`))
	a.pushTagged(t, "ml/x", nil)
	do(t, a.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/x"), LifecyclePolicyText: untagged})
	equal(t, "expired", len(a.Expire()), 0)
	equal(t, "left", len(do(t, a.ecr.DescribeImages, &ecr.DescribeImagesInput{RepositoryName: new("ml/x")}).ImageDetails), 3)
}

// What is not pulled is archived, which ends pulls; what has been archived for 90 days goes; a push brings an image back.
func TestLifecycle_archive(t *testing.T) {
	t.Parallel()
	clock := agenda.NewClock(time.Now())
	day := func(n int) { clock.Advance(time.Duration(n) * 24 * time.Hour) }
	a := start(t, aws.Options{Clock: clock.Now})
	createRepository(t, a, "ml/x")
	pulled, unused := a.pushTagged(t, "ml/x", []string{"pulled"}), a.pushTagged(t, "ml/x", []string{"unused"})
	get := func(digest string) *ecr.BatchGetImageOutput {
		return do(t, a.ecr.BatchGetImage, &ecr.BatchGetImageInput{RepositoryName: new("ml/x"), ImageIds: []types.ImageIdentifier{{ImageDigest: &digest}}})
	}
	day(2)
	get(pulled)
	day(2)
	policy := policyOf(
		archiveText(1, `"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 3`),
		ruleText(2, `"tagStatus": "any", "storageClass": "archive", "countType": "sinceImageTransitioned", "countUnit": "days", "countNumber": 90`))
	do(t, a.ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/x"), LifecyclePolicyText: policy})
	do(t, a.ecr.StartLifecyclePolicyPreview, &ecr.StartLifecyclePolicyPreviewInput{RepositoryName: new("ml/x")})
	preview := do(t, a.ecr.GetLifecyclePolicyPreview, &ecr.GetLifecyclePolicyPreviewInput{RepositoryName: new("ml/x")})
	equal(t, "previewed", len(preview.PreviewResults), 1)
	equal(t, "previewed action", preview.PreviewResults[0].Action.Type, types.ImageActionTypeTransition)
	equal(t, "archiving", *preview.Summary.TransitioningImageTotalCounts[0].ImageTotalCount, 1)
	equalLists(t, "expired at first", a.Expire(), nil)
	equal(t, "failure", get(unused).Failures[0].FailureCode, types.ImageFailureCodeImageInaccessible)
	equal(t, "the other", len(get(pulled).Images), 1)
	describe := &ecr.DescribeImagesInput{RepositoryName: new("ml/x"), ImageIds: []types.ImageIdentifier{{ImageDigest: &unused}}}
	equal(t, "status", do(t, a.ecr.DescribeImages, describe).ImageDetails[0].ImageStatus, types.ImageStatusArchived)
	day(89)
	get(pulled)
	equalLists(t, "expired after 89 days", a.Expire(), nil)
	day(1)
	equalLists(t, "expired after 90 days", a.Expire(), []string{unused})
}

// Every pair of what is counted and what is done, in each storage class.
func TestLifecyclePolicy_pairs(t *testing.T) {
	t.Parallel()
	a := start(t, aws.Options{})
	createRepository(t, a, "ml/x")
	accepted := map[string]bool{
		"imageCountMoreThan standard expire": true, "imageCountMoreThan standard transition": true,
		"sinceImagePushed standard expire": true, "sinceImagePushed standard transition": true,
		"sinceImagePulled standard transition": true, "sinceImageTransitioned archive expire": true,
	}
	for _, counted := range []string{"imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"} {
		for _, class := range []string{"standard", "archive"} {
			for action, text := range map[string]func(int, string) string{"expire": ruleText, "transition": archiveText} {
				selection := `"tagStatus": "any", "countType": "` + counted + `", "countNumber": 90, "storageClass": "` + class + `"`
				if counted != "imageCountMoreThan" {
					selection += `, "countUnit": "days"`
				}
				_, err := a.ecr.PutLifecyclePolicy(t.Context(), &ecr.PutLifecyclePolicyInput{RepositoryName: new("ml/x"), LifecyclePolicyText: policyOf(text(1, selection))})
				if pair := counted + " " + class + " " + action; accepted[pair] != (err == nil) {
					t.Errorf("%s: %v", pair, err)
				}
			}
		}
	}
}
