package aws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// rule is a rule of a lifecycle policy, see "Lifecycle policy properties in Amazon ECR".
type rule struct {
	RulePriority int       `json:"rulePriority"`
	Description  string    `json:"description"`
	Selection    selection `json:"selection"`
	Action       action    `json:"action"`
}

type selection struct {
	TagStatus      string   `json:"tagStatus"`
	TagPatternList []string `json:"tagPatternList"`
	TagPrefixList  []string `json:"tagPrefixList"`
	CountType      string   `json:"countType"`
	CountUnit      string   `json:"countUnit"`
	CountNumber    int      `json:"countNumber"`
	StorageClass   string   `json:"storageClass"`
}

type action struct {
	Type               string `json:"type"`
	TargetStorageClass string `json:"targetStorageClass"`
}

// lifecycleKeys are the properties there are, by the property that holds them. ECR knows them in this spelling only.
var lifecycleKeys = map[string][]string{
	"": {"rules"}, "rules": {"rulePriority", "description", "selection", "action"}, "action": {"type", "targetStorageClass"},
	"selection": {"tagStatus", "tagPatternList", "tagPrefixList", "countType", "countUnit", "countNumber", "storageClass"},
}

// knowsKeys tells whether a value has no property but those there are.
func knowsKeys(within string, value any) bool {
	switch value := value.(type) {
	case []any:
		return !slices.ContainsFunc(value, func(v any) bool { return !knowsKeys(within, v) })
	case map[string]any:
		for key, v := range value {
			if !slices.Contains(lifecycleKeys[within], key) || !knowsKeys(key, v) {
				return false
			}
		}
	}
	return true
}

// The limits of a lifecycle policy, see "Amazon ECR service quotas" and the API reference.
const (
	minLifecycle      = 100 // characters, as the API reference has it for the text
	maxLifecycle      = 30720
	maxLifecycleRules = 50
	maxWildcards      = 4
	minArchived       = 90 // days, see "Archiving an image"
)

// parseLifecycle checks a lifecycle policy as ECR does, and returns its rules by priority. The sentences are ECR's, except those about the
// number of rules, equal priorities and wildcards, which are in its manner.
func parseLifecycle(text string) ([]rule, error) {
	switch length := utf8.RuneCountInString(text); {
	case length < minLifecycle:
		return nil, invalid("LifecyclePolicyText", "Member must have length greater than or equal to %d", minLifecycle)
	case length > maxLifecycle:
		return nil, invalid("LifecyclePolicyText", "Member must have length less than or equal to %d", maxLifecycle)
	}
	if err := refuseNull(text); err != nil {
		return nil, invalidLifecycle(err)
	}
	var policy struct {
		Rules []rule `json:"rules"`
	}
	var whole any
	if json.Unmarshal([]byte(text), &whole) != nil || !knowsKeys("", whole) || json.Unmarshal([]byte(text), &policy) != nil {
		return nil, invalidLifecycle(errSchema)
	}
	if len(policy.Rules) == 0 || len(policy.Rules) > maxLifecycleRules {
		return nil, invalidLifecycle(fmt.Errorf("a policy has between 1 and %d rules, and this one has %d", maxLifecycleRules, len(policy.Rules)))
	}
	for _, r := range policy.Rules {
		if err := r.check(); err != nil {
			return nil, invalidLifecycle(err)
		}
	}
	slices.SortFunc(policy.Rules, func(a, b rule) int { return a.RulePriority - b.RulePriority })
	return policy.Rules, checkTogether(policy.Rules)
}

// What ECR says itself, with its own capitals and full stops.
var (
	errSchema        = errors.New("instance failed to match exactly one schema (matched 0 out of 2)")
	errNull          = errors.New(`instance type (null) does not match any allowed primitive type (allowed: ["array"])`)
	errNotJSON       = errors.New("Could not map policyString into LifecyclePolicy.")                       //nolint:staticcheck // see above
	errNoTags        = errors.New("Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.")    //nolint:staticcheck // see above
	errAnyNotLast    = errors.New("Rule for tagStatus=ANY must have the lowest priority per storage class") //nolint:staticcheck // see above
	errUntaggedTwice = errors.New("Only one rule can select Untagged images per storage class.")            //nolint:staticcheck // see above
)

func invalidLifecycle(err error) error {
	return invalid("LifecyclePolicyText", "Lifecycle policy validation failure: %v\n", err)
}

// refuseNull refuses what is not JSON, and null anywhere in it.
func refuseNull(text string) error {
	for decoder := json.NewDecoder(bytes.NewReader([]byte(text))); ; {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		if token == nil {
			return errNull
		}
	}
	if !json.Valid([]byte(text)) {
		return errNotJSON
	}
	return nil
}

// asKept is a lifecycle policy as ECR gives it back: its rules by priority, without needless space.
func asKept(text string) string {
	var policy struct {
		Rules []json.RawMessage `json:"rules"`
	}
	err := json.Unmarshal([]byte(text), &policy)
	priority := func(text json.RawMessage) int {
		var r rule
		err = errors.Join(err, json.Unmarshal(text, &r))
		return r.RulePriority
	}
	slices.SortStableFunc(policy.Rules, func(a, b json.RawMessage) int { return priority(a) - priority(b) })
	kept, encodeErr := json.Marshal(policy)
	if err := errors.Join(err, encodeErr); err != nil {
		panic(err) // it was checked
	}
	return string(kept)
}

// storageOf and actionsOf are what goes with a count type, see "Lifecycle policy properties" and "Lifecycle policy evaluation
// rules": an image that is not pulled is archived and not expired, and what was archived is expired and not archived.
var (
	storageOf = map[string][]string{
		"imageCountMoreThan": {"", "standard"}, "sinceImagePushed": {"", "standard"}, "sinceImagePulled": {"", "standard"},
		"sinceImageTransitioned": {"archive"},
	}
	expire, toArchive = action{Type: "expire"}, action{"transition", "archive"}
	actionsOf         = map[string][]action{
		"imageCountMoreThan": {expire, toArchive}, "sinceImagePushed": {expire, toArchive}, "sinceImagePulled": {toArchive},
		"sinceImageTransitioned": {expire},
	}
)

// isArchive tells whether the rule is about images that are archived.
func (s selection) isArchive() bool { return s.StorageClass == "archive" }

// check checks a rule by itself.
func (r rule) check() error {
	s := r.Selection
	tagged := len(s.TagPatternList) > 0 || len(s.TagPrefixList) > 0
	switch {
	case r.RulePriority < 1, s.CountNumber < 1:
		return errSchema
	case s.TagStatus != "tagged" && s.TagStatus != "untagged" && s.TagStatus != "any":
		return errSchema
	case s.TagStatus == "tagged" && !tagged:
		return errNoTags
	case s.TagStatus != "tagged" && tagged, len(s.TagPatternList) > 0 && len(s.TagPrefixList) > 0:
		return errSchema
	case !slices.Contains(storageOf[s.CountType], s.StorageClass), !slices.Contains(actionsOf[s.CountType], r.Action):
		return errSchema
	case s.CountType == "sinceImageTransitioned" && s.CountNumber < minArchived:
		return errSchema
	case (s.CountType == "imageCountMoreThan") != (s.CountUnit == ""), s.CountUnit != "" && s.CountUnit != "days":
		return errSchema
	}
	for _, pattern := range s.TagPatternList {
		if pattern == "" || strings.Count(pattern, "*") > maxWildcards {
			return fmt.Errorf("a tag pattern has at most %d wildcards: %q", maxWildcards, pattern)
		}
	}
	if slices.Contains(s.TagPrefixList, "") {
		return errSchema
	}
	return nil
}

// checkTogether checks what rules, by priority, must not have in common.
func checkTogether(rules []rule) error {
	untagged := map[bool]int{} // by whether they are about archived images
	for i, r := range rules {
		archive := r.Selection.isArchive()
		after := func(other rule) bool { return other.Selection.isArchive() == archive }
		switch {
		case i > 0 && rules[i-1].RulePriority == r.RulePriority:
			return invalidLifecycle(fmt.Errorf("rule priorities must be unique, and %d is not", r.RulePriority))
		case r.Selection.TagStatus == "any" && slices.ContainsFunc(rules[i+1:], after):
			return invalidLifecycle(errAnyNotLast)
		case r.Selection.TagStatus == "untagged":
			untagged[archive]++
		}
		if untagged[archive] > 1 {
			return invalidLifecycle(errUntaggedTwice)
		}
	}
	return nil
}

// selects tells whether an image with these tags is one of those that a rule is about. All patterns, or prefixes, must be met, by any tags.
func (s selection) selects(tags []string) bool {
	switch s.TagStatus {
	case "any":
		return true
	case "untagged":
		return len(tags) == 0
	}
	for _, pattern := range s.TagPatternList {
		if !slices.ContainsFunc(tags, wildcardTag(pattern).MatchString) {
			return false
		}
	}
	for _, prefix := range s.TagPrefixList {
		if !slices.ContainsFunc(tags, func(t string) bool { return strings.HasPrefix(t, prefix) }) {
			return false
		}
	}
	return true
}

// evaluate tells which images the rules, by priority, expire or archive. An image that one rule selects cannot be acted on by a
// later one, though a later one counts it; and what an index refers to goes with the index. See "Lifecycle policy evaluation
// rules".
func evaluate(rules []rule, store *imageStore, now time.Time) []previewResult {
	var results []previewResult
	seen := map[string]bool{}
	images := store.youngestFirst()
	for _, r := range rules {
		var selected []*image
		for _, i := range images {
			if i.isArchived() == r.Selection.isArchive() && r.Selection.selects(store.tagsOf(i.digest)) {
				selected = append(selected, i)
			}
		}
		for n, i := range selected {
			if r.Selection.takes(n, i, now) && !seen[i.digest] && !store.isReferenced(i.digest) {
				results = append(results, previewResult{
					ImageTags: store.tagsOf(i.digest), ImageDigest: i.digest, PushedAt: seconds(i.pushed), Priority: r.RulePriority,
					Action: previewAct{strings.ToUpper(r.Action.Type), strings.ToUpper(r.Action.TargetStorageClass)}, StorageClass: i.class(),
				})
			}
		}
		for _, i := range selected {
			seen[i.digest] = true
		}
	}
	return results
}

// takes tells whether the nth of the selected images, the youngest first, is acted on.
func (s selection) takes(n int, i *image, now time.Time) bool {
	since := i.pushed
	switch s.CountType {
	case "imageCountMoreThan":
		return n >= s.CountNumber
	case "sinceImageTransitioned":
		since = i.archived
	case "sinceImagePulled":
		if i.pulled.After(since) {
			since = i.pulled
		}
	}
	return now.Sub(since) >= time.Duration(s.CountNumber)*24*time.Hour
}
