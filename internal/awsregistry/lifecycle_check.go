package awsregistry

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ECR's limits on lifecycle policies (ECR user guide, "Amazon ECR service quotas" and "Lifecycle policy properties").
const (
	maxRules = 50
	// maxPolicy is in characters of the policy's JSON.
	maxPolicy = 30_720
	// maxWildcards is in each pattern.
	maxWildcards = 4
	// minArchive is the least age in days at which an archived image may be deleted ("Archiving an image").
	minArchive = 90
)

// Check returns everything that ECR would refuse about the policy, or that could never work, each with the rule and the field at fault. None: the policy is fine.
func (p LifecyclePolicy) Check() []*InputError {
	var problems []*InputError
	switch {
	case len(p.Rules) == 0:
		return []*InputError{{Rule: -1, Field: FieldLifecycleRules, Problem: "holds no rule", Suggestion: "leave the policy out to have none"}}
	case len(p.Rules) > maxRules:
		problems = append(problems, &InputError{
			Rule: -1, Field: FieldLifecycleRules, Text: strconv.Itoa(len(p.Rules)), Problem: "rules are more than the 50 that ECR allows", Suggestion: "put several into one pattern",
		})
	}
	for i, rule := range p.Rules {
		problems = append(problems, rule.check(i, p)...)
	}
	problems = append(problems, p.checkTogether()...)
	if length := utf8.RuneCountInString(p.JSON()); length > maxPolicy {
		problems = append(problems, &InputError{
			Rule: -1, Field: FieldLifecycleRules, Text: strconv.Itoa(length), Problem: "characters of JSON are more than the 30720 that ECR allows", Suggestion: "shorten descriptions and lists",
		})
	}
	if p.fromJSON {
		for _, problem := range problems {
			problem.Problem, problem.Suggestion = inJSON.Replace(problem.Problem), inJSON.Replace(problem.Suggestion)
		}
	}
	return problems
}

// check is what can be said about one rule without the others.
func (r LifecycleRule) check(index int, within LifecyclePolicy) []*InputError {
	var problems []*InputError
	refuse := func(field Field, text any, problem, suggestion string) {
		problems = append(problems, &InputError{Rule: index, Field: field, Text: fmt.Sprint(text), Problem: problem, Suggestion: suggestion})
	}
	r = r.withDefaults()
	if r.Priority < 1 {
		refuse(FieldPriority, r.Priority, "is no priority", "count from 1")
	}
	if r.CountNumber < 1 {
		refuse(FieldCountNumber, r.CountNumber, "is not accepted by ECR", "give 1 at least")
	}
	r.checkTags(refuse)
	r.checkCount(refuse)
	r.checkAction(refuse, within)
	return problems
}

// refuser takes down what is wrong.
type refuser func(field Field, text any, problem, suggestion string)

// checkTags is about which images the rule selects.
func (r LifecycleRule) checkTags(refuse refuser) {
	switch r.TagStatus {
	case TagStatusTagged:
		switch {
		case len(r.TagPrefixes) == 0 && len(r.TagPatterns) == 0:
			refuse(FieldTagStatus, r.TagStatus, "needs the tags to select", `give tag_patterns, where ["*"] is every tag`)
		case len(r.TagPrefixes) > 0 && len(r.TagPatterns) > 0:
			refuse(FieldTagPrefixes, strings.Join(r.TagPrefixes, ", "), "cannot be in one rule with tag_patterns", `write a prefix as a pattern that ends with "*"`)
		}
	case TagStatusUntagged, TagStatusAny:
		if tags := r.tags(); len(tags) > 0 {
			refuse(r.tagField(), strings.Join(tags, ", "), fmt.Sprintf("cannot be in a rule whose tag_status is %q", r.TagStatus), `leave the list out, or write tag_status = "tagged"`)
		}
	default:
		refuse(FieldTagStatus, r.TagStatus, "is no tag status", `write "tagged", "untagged" or "any"`)
	}
	for _, prefix := range r.TagPrefixes {
		checkTagText(FieldTagPrefixes, prefix, refuse)
	}
	for _, pattern := range r.TagPatterns {
		checkTagText(FieldTagPatterns, pattern, refuse)
	}
}

// tagForm are the tags there are (OCI distribution specification, "Pulling manifests").
var tagForm = regexp.MustCompile(`\A[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}\z`)

// checkTagText refuses what no tag could ever match.
func checkTagText(field Field, text string, refuse refuser) {
	wildcards := strings.Count(text, "*")
	// A "*" may stand for any character, a leading one for one that may begin a tag.
	sample := strings.ReplaceAll(text, "*", "")
	if strings.HasPrefix(text, "*") {
		sample = "x" + sample
	}
	switch {
	case text == "":
		refuse(field, text, "is empty", `write ["*"] as tag_patterns to select every tag`)
	case wildcards > 0 && field == FieldTagPrefixes:
		refuse(field, text, "holds a wildcard, which a prefix does not know", "move it to tag_patterns")
	case wildcards > maxWildcards:
		refuse(field, text, "holds more than the four wildcards that ECR allows", "")
	case sample != "" && !tagForm.MatchString(sample):
		refuse(field, text, "can match no tag: a tag has at most 128 letters, digits, \"_\", \".\" and \"-\" and begins with none of the last two", "")
	}
}

// checkCount is about what the rule counts.
func (r LifecycleRule) checkCount(refuse refuser) {
	switch {
	case r.CountType == CountMoreThan && r.CountUnit != "":
		refuse(FieldCountUnit, r.CountUnit, "cannot be in a rule that counts images", "leave it out")
	case r.CountType == CountMoreThan:
	case !r.CountType.isAge():
		refuse(FieldCountType, r.CountType, "is no count type", `write "imageCountMoreThan", "sinceImagePushed", "sinceImagePulled" or "sinceImageTransitioned"`)
	case r.CountUnit != countUnitDays:
		refuse(FieldCountUnit, r.CountUnit, "is no unit of ECR", `write "days"`)
	}
	switch {
	case r.storage() != StorageStandard && r.storage() != StorageArchive:
		refuse(FieldStorageClass, r.StorageClass, "is no storage class", `write "standard" or "archive"`)
	case r.CountType == CountSinceTransitioned && r.StorageClass != StorageArchive:
		refuse(FieldStorageClass, r.StorageClass, "does not go with sinceImageTransitioned, which counts from the archiving of an image", `write "archive"`)
	case r.CountType != CountSinceTransitioned && r.storage() == StorageArchive:
		refuse(FieldStorageClass, r.StorageClass, fmt.Sprintf("does not go with %s, which knows images in standard storage only", r.CountType), `leave it out, or write count_type = "sinceImageTransitioned"`)
	}
}

// checkAction is about what the rule does: an image that is not pulled is archived, never deleted, and what was archived is
// deleted, never archived (ECR user guide, "Lifecycle policy evaluation rules"; AWS in aws/containers-roadmap#921).
func (r LifecycleRule) checkAction(refuse refuser, within LifecyclePolicy) {
	switch r.Action {
	case ActionExpire:
		if r.TargetStorageClass != "" {
			refuse(FieldTargetStorageClass, r.TargetStorageClass, "cannot be in a rule that expires images", `leave it out, or write action = "transition"`)
		}
		if r.CountType == CountSincePulled {
			refuse(FieldAction, r.Action, "does not go with sinceImagePulled: ECR archives images that nobody pulls, and does not delete them at once",
				within.archiveFirst(r))
		}
		if r.CountType == CountSinceTransitioned && r.CountNumber >= 1 && r.CountNumber < minArchive {
			refuse(FieldCountNumber, r.CountNumber, "days are less than the 90 that ECR keeps an archived image at least", "give 90 at least")
		}
	case ActionTransition:
		if r.TargetStorageClass != StorageArchive {
			refuse(FieldTargetStorageClass, r.TargetStorageClass, "is nowhere that ECR moves images to", `write "archive"`)
		}
		if r.CountType == CountSinceTransitioned {
			refuse(FieldAction, r.Action, "does not go with sinceImageTransitioned, which is about images that are archived already", `write "expire"`)
		}
	default:
		refuse(FieldAction, r.Action, "is no action", `write "expire" or "transition"`)
	}
}

// archiveFirst are the two rules that do what a rule wants that deletes images which nobody pulls.
func (p LifecyclePolicy) archiveFirst(r LifecycleRule) string {
	archive, remove := r, r
	archive.Action, archive.StorageClass, archive.TargetStorageClass = ActionTransition, "", StorageArchive
	remove.Priority, remove.Description = p.freePriority(), ""
	remove.StorageClass, remove.CountType, remove.CountNumber = StorageArchive, CountSinceTransitioned, minArchive
	show := LifecycleRule.hcl
	if p.fromJSON {
		show = func(rule LifecycleRule) string { return compactJSON(rule.wire()) }
	}
	return "write two rules, of which the first archives images and the second deletes what has been archived for 90 days:\n  " +
		show(archive) + ",\n  " + show(remove)
}

// hcl is the rule as it is written in lifecycle_rules.
func (r LifecycleRule) hcl() string {
	fields := []string{fmt.Sprintf("priority = %d", r.Priority), fmt.Sprintf("tag_status = %q", r.TagStatus)}
	for _, list := range []struct {
		field Field
		tags  []string
	}{{FieldTagPrefixes, r.TagPrefixes}, {FieldTagPatterns, r.TagPatterns}} {
		if len(list.tags) > 0 {
			fields = append(fields, fmt.Sprintf(`%s = ["%s"]`, list.field, strings.Join(list.tags, `", "`)))
		}
	}
	if r.StorageClass != "" {
		fields = append(fields, fmt.Sprintf("storage_class = %q", r.StorageClass))
	}
	fields = append(fields, fmt.Sprintf("count_type = %q", r.CountType), fmt.Sprintf("count_number = %d", r.CountNumber),
		fmt.Sprintf("action = %q", r.Action))
	return "{ " + strings.Join(fields, ", ") + " }"
}

// checkTogether is what the rules may not be to each other (ECR user guide, "Lifecycle policy evaluation rules").
func (p LifecyclePolicy) checkTogether() []*InputError {
	var problems []*InputError
	type kind struct {
		class  StorageClass
		status TagStatus
		tags   string
	}
	priorities, kinds := map[int]int{}, map[kind]int{}
	for i, rule := range p.Rules {
		if first, taken := priorities[rule.Priority]; taken {
			problems = append(problems, &InputError{
				Rule: i, Field: FieldPriority, Text: strconv.Itoa(rule.Priority), Problem: fmt.Sprintf("is the priority of rule %d, too", first+1),
				Suggestion: "give each rule its own; " + strconv.Itoa(p.freePriority()) + " is free",
			})
		} else {
			priorities[rule.Priority] = i
		}
		k := kind{rule.storage(), rule.TagStatus, rule.tagKey()}
		first, taken := kinds[k]
		switch {
		case !taken:
			kinds[k] = i
		case rule.TagStatus == TagStatusTagged:
			problems = append(problems, &InputError{Rule: i, Field: rule.tagField(), Text: strings.Join(rule.tags(), ", "), Problem: fmt.Sprintf("are the tags of rule %d, too", first+1), Suggestion: "make one rule of both, or select other tags"})
		case rule.TagStatus == TagStatusUntagged || rule.TagStatus == TagStatusAny:
			problems = append(problems, &InputError{Rule: i, Field: FieldTagStatus, Text: string(rule.TagStatus), Problem: fmt.Sprintf("is in rule %d already, and ECR allows it once for each storage class", first+1), Suggestion: "make one rule of both"})
		}
	}
	return append(problems, p.checkLast()...)
}

// checkLast is that a rule for any image comes after all others for the same storage class.
func (p LifecyclePolicy) checkLast() []*InputError {
	var problems []*InputError
	for i, rule := range p.Rules {
		if rule.TagStatus != TagStatusAny {
			continue
		}
		for j, other := range p.Rules {
			if other.TagStatus != TagStatusAny && other.storage() == rule.storage() && other.Priority > rule.Priority {
				problems = append(problems, &InputError{
					Rule: i, Field: FieldPriority, Text: strconv.Itoa(rule.Priority), Suggestion: fmt.Sprintf("give it %d", p.freePriority()),
					Problem: fmt.Sprintf("is before rule %d (%d), but a rule for any image must come last", j+1, other.Priority),
				})
				break
			}
		}
	}
	return problems
}

// freePriority is one after the last.
func (p LifecyclePolicy) freePriority() int {
	last := 0
	for _, rule := range p.Rules {
		last = max(last, rule.Priority)
	}
	return last + 1
}

func (r LifecycleRule) tags() []string { return slices.Concat(r.TagPrefixes, r.TagPatterns) }

func (r LifecycleRule) tagField() Field {
	if len(r.TagPatterns) > 0 {
		return FieldTagPatterns
	}
	return FieldTagPrefixes
}

// tagKey is the same for rules that select the same tags in the same way.
func (r LifecycleRule) tagKey() string {
	key := slices.Compact(slices.Sorted(slices.Values(r.patterns())))
	return strings.Join(key, "\n")
}

// patterns are the tags the rule selects, prefixes written as patterns.
func (r LifecycleRule) patterns() []string {
	patterns := slices.Clone(r.TagPatterns)
	for _, prefix := range r.TagPrefixes {
		patterns = append(patterns, prefix+"*")
	}
	return patterns
}
