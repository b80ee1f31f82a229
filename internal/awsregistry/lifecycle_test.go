package awsregistry_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

type (
	rule   = awsregistry.LifecycleRule
	policy = awsregistry.LifecyclePolicy
)

// keep is a rule for tags that match the patterns.
func keep(priority, count int, patterns ...string) rule {
	return rule{Priority: priority, TagStatus: awsregistry.TagStatusTagged, TagPatterns: patterns, CountType: awsregistry.CountMoreThan, CountNumber: count}
}

// age is a rule for images of some age.
func age(priority, days int, status awsregistry.TagStatus) rule {
	return rule{Priority: priority, TagStatus: status, CountType: awsregistry.CountSincePushed, CountNumber: days}
}

// archived is a rule for images that were archived some time ago.
func archived(priority, days int) rule {
	return rule{
		Priority: priority, TagStatus: awsregistry.TagStatusAny, CountType: awsregistry.CountSinceTransitioned, CountNumber: days, StorageClass: awsregistry.StorageArchive,
	}
}

// with changes a rule.
func with(r rule, change func(*rule)) rule {
	change(&r)
	return r
}

func TestLifecyclePolicy_check(t *testing.T) {
	t.Parallel()
	good := age(1, 7, awsregistry.TagStatusUntagged)
	tests := map[string]struct {
		rules []rule
		// want are the errors, each as it reads.
		want []string
	}{
		"untagged": {rules: []rule{good}},
		"everything ECR knows": {rules: []rule{
			good, keep(2, 10, "v*"), with(keep(3, 10), func(r *rule) { r.TagPrefixes = []string{"rc"} }),
			with(age(4, 90, awsregistry.TagStatusAny), func(r *rule) { r.CountType, r.Action = awsregistry.CountSincePulled, awsregistry.ActionTransition }),
			archived(5, 365),
		}},
		"any for each storage class": {rules: []rule{age(1, 7, awsregistry.TagStatusAny), archived(2, 90)}},
		"no rule":                    {want: []string{`lifecycle_rules "" holds no rule; leave the policy out to have none`}},
		"too many rules": {rules: numbered(51), want: []string{
			`lifecycle_rules "51" rules are more than the 50 that ECR allows; put several into one pattern`,
		}},
		"fifty rules": {rules: numbered(50)},
		"too long": {rules: []rule{with(good, func(r *rule) { r.Description = strings.Repeat("é", 31_000) })}, want: []string{
			`lifecycle_rules "31177" characters of JSON are more than the 30720 that ECR allows; shorten descriptions and lists`,
		}},
		"priority zero":   {rules: []rule{age(0, 7, awsregistry.TagStatusUntagged)}, want: []string{`rule 1: priority "0" is no priority; count from 1`}},
		"same priorities": {rules: []rule{good, keep(1, 5, "v*")}, want: []string{`rule 2: priority "1" is the priority of rule 1, too; give each rule its own; 2 is free`}},
		"any before others": {rules: []rule{age(1, 7, awsregistry.TagStatusAny), keep(2, 5, "v*")}, want: []string{
			`rule 1: priority "1" is before rule 2 (2), but a rule for any image must come last; give it 3`,
		}},
		"any twice": {rules: []rule{age(1, 7, awsregistry.TagStatusAny), age(2, 9, awsregistry.TagStatusAny)}, want: []string{
			`rule 2: tag_status "any" is in rule 1 already, and ECR allows it once for each storage class; make one rule of both`,
		}},
		"untagged twice": {rules: []rule{good, age(2, 9, awsregistry.TagStatusUntagged)}, want: []string{
			`rule 2: tag_status "untagged" is in rule 1 already, and ECR allows it once for each storage class; make one rule of both`,
		}},
		"same tags twice": {rules: []rule{keep(1, 5, "a*", "b*"), with(keep(2, 9), func(r *rule) { r.TagPrefixes = []string{"b", "a"} })}, want: []string{
			`rule 2: tag_prefixes "b, a" are the tags of rule 1, too; make one rule of both, or select other tags`,
		}},
		"no tags":        {rules: []rule{keep(1, 5)}, want: []string{`rule 1: tag_status "tagged" needs the tags to select; give tag_patterns, where ["*"] is every tag`}},
		"both lists":     {rules: []rule{with(keep(1, 5, "v*"), func(r *rule) { r.TagPrefixes = []string{"v"} })}, want: []string{`rule 1: tag_prefixes "v" cannot be in one rule with tag_patterns; write a prefix as a pattern that ends with "*"`}},
		"tags, untagged": {rules: []rule{with(good, func(r *rule) { r.TagPatterns = []string{"v*"} })}, want: []string{`rule 1: tag_patterns "v*" cannot be in a rule whose tag_status is "untagged"; leave the list out, or write tag_status = "tagged"`}},
		"unknown status": {rules: []rule{age(1, 7, "TAGGED")}, want: []string{`rule 1: tag_status "TAGGED" is no tag status; write "tagged", "untagged" or "any"`}},
		"five wildcards": {rules: []rule{keep(1, 5, "*a*b*c*d*")}, want: []string{`rule 1: tag_patterns "*a*b*c*d*" holds more than the four wildcards that ECR allows`}},
		"four wildcards": {rules: []rule{keep(1, 5, "*a*b*c*")}},
		"all tags":       {rules: []rule{keep(1, 5, "*")}},
		"wildcard in prefix": {rules: []rule{with(keep(1, 5), func(r *rule) { r.TagPrefixes = []string{"v*"} })}, want: []string{
			`rule 1: tag_prefixes "v*" holds a wildcard, which a prefix does not know; move it to tag_patterns`,
		}},
		"impossible tag": {rules: []rule{keep(1, 5, "-a")}, want: []string{
			`rule 1: tag_patterns "-a" can match no tag: a tag has at most 128 letters, digits, "_", "." and "-" and begins with none of the last two`,
		}},
		"empty pattern":       {rules: []rule{keep(1, 5, "")}, want: []string{`rule 1: tag_patterns "" is empty; write ["*"] as tag_patterns to select every tag`}},
		"count zero":          {rules: []rule{keep(1, 0, "v*")}, want: []string{`rule 1: count_number "0" is not accepted by ECR; give 1 at least`}},
		"unknown count":       {rules: []rule{with(good, func(r *rule) { r.CountType = "imageCount" })}, want: []string{`rule 1: count_type "imageCount" is no count type; write "imageCountMoreThan", "sinceImagePushed", "sinceImagePulled" or "sinceImageTransitioned"`}},
		"unit for images":     {rules: []rule{with(keep(1, 5, "v*"), func(r *rule) { r.CountUnit = "days" })}, want: []string{`rule 1: count_unit "days" cannot be in a rule that counts images; leave it out`}},
		"hours":               {rules: []rule{with(good, func(r *rule) { r.CountUnit = "hours" })}, want: []string{`rule 1: count_unit "hours" is no unit of ECR; write "days"`}},
		"unknown action":      {rules: []rule{with(good, func(r *rule) { r.Action = "delete" })}, want: []string{`rule 1: action "delete" is no action; write "expire" or "transition"`}},
		"expire to somewhere": {rules: []rule{with(good, func(r *rule) { r.TargetStorageClass = "archive" })}, want: []string{`rule 1: target_storage_class "archive" cannot be in a rule that expires images; leave it out, or write action = "transition"`}},
		"transition to standard": {rules: []rule{with(good, func(r *rule) {
			r.Action, r.TargetStorageClass = awsregistry.ActionTransition, awsregistry.StorageStandard
		})}, want: []string{`rule 1: target_storage_class "standard" is nowhere that ECR moves images to; write "archive"`}},
		"archive too young": {rules: []rule{archived(1, 89)}, want: []string{`rule 1: count_number "89" days are less than the 90 that ECR keeps an archived image at least; give 90 at least`}},
		"pushed, archived": {rules: []rule{with(good, func(r *rule) { r.StorageClass = awsregistry.StorageArchive })}, want: []string{
			`rule 1: storage_class "archive" does not go with sinceImagePushed, which knows images in standard storage only; leave it out, or write count_type = "sinceImageTransitioned"`,
		}},
		"transitioned, standard": {rules: []rule{with(archived(1, 90), func(r *rule) { r.StorageClass = "" })}, want: []string{
			`rule 1: storage_class "" does not go with sinceImageTransitioned, which counts from the archiving of an image; write "archive"`,
		}},
		"unknown class": {rules: []rule{with(good, func(r *rule) { r.StorageClass = "glacier" })}, want: []string{`rule 1: storage_class "glacier" is no storage class; write "standard" or "archive"`}},
		"several at once": {rules: []rule{age(0, 0, "all")}, want: []string{
			`rule 1: priority "0" is no priority; count from 1`, `rule 1: count_number "0" is not accepted by ECR; give 1 at least`,
			`rule 1: tag_status "all" is no tag status; write "tagged", "untagged" or "any"`,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, problem := range (policy{Rules: test.rules}).Check() {
				got = append(got, problem.Error())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// numbered are so many rules of different tags.
func numbered(n int) []rule {
	var rules []rule
	for i := range n {
		rules = append(rules, keep(i+1, 5, fmt.Sprintf("tag%d", i)))
	}
	return rules
}

const countThree = `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}}]}`

// Every pair of what is counted and what is done, in each storage class, as AWS has them: what is not pulled is archived
// only, and what was archived is deleted only.
func TestLifecyclePolicy_pairs(t *testing.T) {
	t.Parallel()
	const standard, archive, expire, transition = awsregistry.StorageStandard, awsregistry.StorageArchive, awsregistry.ActionExpire, awsregistry.ActionTransition
	type pair struct {
		counted awsregistry.CountType
		class   awsregistry.StorageClass
		action  awsregistry.ActionType
	}
	accepted := map[pair]bool{
		{awsregistry.CountMoreThan, standard, expire}: true, {awsregistry.CountMoreThan, standard, transition}: true,
		{awsregistry.CountSincePushed, standard, expire}: true, {awsregistry.CountSincePushed, standard, transition}: true,
		{awsregistry.CountSincePulled, standard, transition}: true, {awsregistry.CountSinceTransitioned, archive, expire}: true,
	}
	for _, counted := range []awsregistry.CountType{awsregistry.CountMoreThan, awsregistry.CountSincePushed, awsregistry.CountSincePulled, awsregistry.CountSinceTransitioned} {
		for _, class := range []awsregistry.StorageClass{standard, archive} {
			for _, action := range []awsregistry.ActionType{expire, transition} {
				p := policy{Rules: []rule{{Priority: 1, TagStatus: awsregistry.TagStatusAny, CountType: counted, CountNumber: 90, StorageClass: class, Action: action}}}
				problems := p.Check()
				if got := len(problems) == 0; got != accepted[pair{counted, class, action}] {
					t.Errorf("%s, %s, %s: %v", counted, class, action, problems)
				}
			}
		}
	}
}

// Who wants to delete what nobody pulls is told the two rules that do it, in the spelling that was used, and they work.
func TestLifecyclePolicy_archiveFirst(t *testing.T) {
	t.Parallel()
	unpulled := policy{Rules: []rule{with(keep(4, 30, "a*", "b*"), func(r *rule) { r.CountType = awsregistry.CountSincePulled })}}
	want := `rule 1: action "expire" does not go with sinceImagePulled: ECR archives images that nobody pulls, and does not delete them at once; ` +
		"write two rules, of which the first archives images and the second deletes what has been archived for 90 days:\n" +
		`  { priority = 4, tag_status = "tagged", tag_patterns = ["a*", "b*"], count_type = "sinceImagePulled", count_number = 30, action = "transition" },` + "\n" +
		`  { priority = 5, tag_status = "tagged", tag_patterns = ["a*", "b*"], storage_class = "archive", count_type = "sinceImageTransitioned", count_number = 90, action = "expire" }`
	if problems := unpulled.Check(); len(problems) != 1 || problems[0].Error() != want {
		t.Errorf("got %v\nwant %s", problems, want)
	}
	written, err := awsregistry.ParseLifecyclePolicy(unpulled.JSON())
	if err != nil {
		t.Fatal(err)
	}
	problems := written.Check()
	if len(problems) != 1 {
		t.Fatal(problems)
	}
	_, rules, _ := strings.Cut(problems[0].Suggestion, ":\n")
	advised, err := awsregistry.ParseLifecyclePolicy(`{"rules":[` + rules + `]}`)
	if err != nil || len(advised.Check()) > 0 || len(advised.Rules) != 2 {
		t.Errorf("%v, %v: %s", err, advised.Check(), rules)
	}
}

// What is sent is the checked policy in its one form: without nulls, with what was left out, and as short as can be.
func TestCanonicalLifecyclePolicy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"itself":                {countThree, countThree},
		"spaces":                {`{` + strings.Repeat(" ", 31_000) + countThree[1:], countThree},
		"nulls":                 {strings.NewReplacer(`"countNumber":3`, `"countNumber":3,"tagPrefixList":null,"tagPatternList":null,"countUnit":null,"storageClass":null`, `"expire"`, `"expire","targetStorageClass":null`, `"rulePriority":1`, `"rulePriority":1,"description":null`).Replace(countThree), countThree},
		"empty and standard":    {strings.Replace(countThree, `"countNumber":3`, `"countNumber":3,"tagPrefixList":[],"storageClass":"standard"`, 1), countThree},
		"no unit":               {strings.Replace(countThree, "imageCountMoreThan", "sinceImagePushed", 1), strings.Replace(countThree, `"imageCountMoreThan"`, `"sinceImagePushed","countUnit":"days"`, 1)},
		"nowhere to":            {strings.Replace(countThree, "expire", "transition", 1), strings.Replace(countThree, `"expire"`, `"transition","targetStorageClass":"archive"`, 1)},
		"by priority":           {strings.Replace(countThree, `[{`, `[{"rulePriority":2,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}},{`, 1), strings.Replace(countThree, `}]`, `},{"rulePriority":2,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}}]`, 1)},
		"as it is, not escaped": {strings.Replace(countThree, `"rulePriority":1`, `"rulePriority":1,"description":"\u003c 3 & more"`, 1), strings.Replace(countThree, `"rulePriority":1`, `"rulePriority":1,"description":"< 3 & more"`, 1)},
		"no policy":             {"no policy", "no policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := awsregistry.CanonicalLifecyclePolicy(test.text)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if !awsregistry.SameLifecyclePolicy(test.text, got) {
				t.Error("it does not mean the same")
			}
		})
	}
}

func TestLifecyclePolicy_json(t *testing.T) {
	t.Parallel()
	p := policy{Rules: []rule{
		with(age(9, 30, awsregistry.TagStatusAny), func(r *rule) { r.CountType, r.Action = awsregistry.CountSincePulled, awsregistry.ActionTransition }),
		with(keep(1, 3, "v*"), func(r *rule) { r.Description = "releases" }),
	}}
	want := `{"rules":[` +
		`{"rulePriority":1,"description":"releases","selection":{"tagStatus":"tagged","tagPatternList":["v*"],"countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}},` +
		`{"rulePriority":9,"selection":{"tagStatus":"any","countType":"sinceImagePulled","countUnit":"days","countNumber":30},"action":{"type":"transition","targetStorageClass":"archive"}}]}`
	if got := p.JSON(); got != want {
		t.Errorf("got %s", got)
	}
	change := func(before, after string) string { return strings.Replace(countThree, before, after, 1) }
	for name, test := range map[string]struct{ text, want string }{
		"no JSON":          {`{"rules":`, `it is not JSON (unexpected EOF)`},
		"two values":       {want + want, `there is more than one value in it`},
		"no object":        {`[]`, `it is no object { … }`},
		"no rules":         {`{}`, `it lacks "rules"`},
		"null rules":       {`{"rules": null}`, `it lacks "rules"`},
		"one rule":         {`{"rules": {}}`, `it has {} as "rules", which is not a list of rules`},
		"null rule":        {`{"rules": [null]}`, `rule 1 is no object { … }`},
		"unknown key":      {change(`"selection"`, `"selector"`), `rule 1 has "selector", which ECR does not know; it knows "rulePriority", "description", "selection", "action"`},
		"key at the top":   {change(`{"rules"`, `{"version":1,"rules"`), `it has "version", which ECR does not know; it knows "rules"`},
		"rulepriority":     {change("rulePriority", "rulepriority"), `rule 1 has "rulepriority", which ECR does not know; write "rulePriority"`},
		"TAGSTATUS":        {change("tagStatus", "TAGSTATUS"), `selection of rule 1 has "TAGSTATUS", which ECR does not know; write "tagStatus"`},
		"Type":             {change(`"type"`, `"Type"`), `action of rule 1 has "Type", which ECR does not know; write "type"`},
		"Rules":            {change("rules", "Rules"), `it has "Rules", which ECR does not know; write "rules"`},
		"twice":            {change(`"countNumber":3`, `"countNumber":3,"countNumber":4`), `selection of rule 1 has "countNumber" twice`},
		"no priority":      {change(`"rulePriority":1,`, ``), `rule 1 lacks "rulePriority"`},
		"null priority":    {change(`"rulePriority":1,`, `"rulePriority":null,`), `rule 1 lacks "rulePriority"`},
		"no selection":     {`{"rules":[{"rulePriority":1,"action":{"type":"expire"}}]}`, `rule 1 lacks "selection"`},
		"no countNumber":   {change(`,"countNumber":3`, ``), `selection of rule 1 lacks "countNumber"`},
		"no countType":     {change(`"countType":"imageCountMoreThan",`, ``), `selection of rule 1 lacks "countType"`},
		"no action":        {change(`,"action":{"type":"expire"}`, ``), `rule 1 lacks "action"`},
		"no type":          {change(`"type":"expire"`, ``), `action of rule 1 lacks "type"`},
		"text for number":  {change(`"countNumber":3`, `"countNumber":"3"`), `selection of rule 1 has "3" as "countNumber", which is not a whole number`},
		"half an image":    {change(`"countNumber":3`, `"countNumber":3.5`), `selection of rule 1 has 3.5 as "countNumber", which is not a whole number`},
		"text for a list":  {change(`"countNumber":3`, `"countNumber":3,"tagPrefixList":"v"`), `selection of rule 1 has "v" as "tagPrefixList", which is not a list of texts`},
		"number for words": {change(`"rulePriority":1`, `"rulePriority":1,"description":7`), `rule 1 has 7 as "description", which is not a text`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := awsregistry.ParseLifecyclePolicy(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestSameLifecyclePolicy(t *testing.T) {
	t.Parallel()
	a := `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"tagged","tagPatternList":["b*","a*"],"countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}},
		{"rulePriority":2,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}}]}`
	for name, test := range map[string]struct {
		b    string
		same bool
	}{
		"itself": {a, true},
		"other order, spacing and defaults": {`{ "rules": [
			{"action":{"type":"expire"}, "rulePriority":2, "description":"", "selection":{"countNumber":3,"tagStatus":"any","countType":"imageCountMoreThan","storageClass":"standard"}},
			{"rulePriority":1,"selection":{"tagStatus":"tagged","tagPatternList":["a*","b*","a*"],"tagPrefixList":[],"countType":"imageCountMoreThan","countNumber":3.0},"action":{"type":"expire"}}]}`, true},
		"another count":       {strings.Replace(a, `"countNumber":3`, `"countNumber":4`, 1), false},
		"another description": {strings.Replace(a, `"rulePriority":1,`, `"rulePriority":1,"description":"x",`, 1), false},
		"swapped priorities":  {strings.NewReplacer(`"rulePriority":1`, `"rulePriority":2`, `"rulePriority":2`, `"rulePriority":1`).Replace(a), false},
		"something new":       {strings.Replace(a, `"rulePriority":1,`, `"rulePriority":1,"novelty":1,`, 1), false},
		"no JSON":             {`no JSON`, false},
		"nothing":             {``, false},
		"no rules":            {`{"rules":{}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := awsregistry.SameLifecyclePolicy(a, test.b); got != test.same {
				t.Errorf("got %t", got)
			}
			if got := awsregistry.SameLifecyclePolicy(test.b, a); got != test.same {
				t.Errorf("the other way round: %t", got)
			}
			if !awsregistry.SameLifecyclePolicy(test.b, test.b) {
				t.Error("not the same as itself")
			}
		})
	}
}

// A policy survives its JSON, and shuffling changes no meaning but a number does.
func FuzzLifecyclePolicy(f *testing.F) {
	f.Add(uint64(1), 1, "v*", "releases", 3)
	f.Add(uint64(7), 3, "*", "", 14)
	f.Fuzz(func(t *testing.T, seed uint64, rules int, pattern, description string, count int) {
		if rules < 1 || rules > 20 || count < 1 || count > 1<<30 || !utf8.ValidString(pattern+description) || !utf8.ValidString(pattern) {
			t.Skip() // Terraform's strings are UTF-8.
		}
		var p policy
		for i := range rules {
			p.Rules = append(p.Rules, with(keep(i+1, count, pattern, fmt.Sprint(i)), func(r *rule) { r.Description = description }))
		}
		text := p.JSON()
		parsed, err := awsregistry.ParseLifecyclePolicy(text)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.JSON() != text {
			t.Errorf("%s became %s", text, parsed.JSON())
		}
		random := rand.New(rand.NewPCG(seed, 1))
		shuffled := policy{Rules: slices.Clone(p.Rules)}
		random.Shuffle(rules, func(i, j int) { shuffled.Rules[i], shuffled.Rules[j] = shuffled.Rules[j], shuffled.Rules[i] })
		if !awsregistry.SameLifecyclePolicy(text, shuffled.JSON()) {
			t.Errorf("shuffled: %s", shuffled.JSON())
		}
		shuffled.Rules[0].CountNumber++
		if awsregistry.SameLifecyclePolicy(text, shuffled.JSON()) {
			t.Errorf("a number changed: %s", shuffled.JSON())
		}
	})
}
