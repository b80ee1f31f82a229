package awsregistry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// TagStatus says which images a lifecycle rule is about, by their tags.
type TagStatus string

// The tag statuses of ECR.
const (
	TagStatusTagged   TagStatus = "tagged"
	TagStatusUntagged TagStatus = "untagged"
	TagStatusAny      TagStatus = "any"
)

// CountType says what a lifecycle rule counts.
type CountType string

// The count types of ECR.
const (
	CountMoreThan          CountType = "imageCountMoreThan"
	CountSincePushed       CountType = "sinceImagePushed"
	CountSincePulled       CountType = "sinceImagePulled"
	CountSinceTransitioned CountType = "sinceImageTransitioned"
)

// The only unit of ages that ECR knows.
const countUnitDays = "days"

// StorageClass is where ECR keeps an image. An archived image cannot be pulled.
type StorageClass string

// The storage classes of ECR.
const (
	StorageStandard StorageClass = "standard"
	StorageArchive  StorageClass = "archive"
)

// ActionType is what a lifecycle rule does with an image.
type ActionType string

// The actions of lifecycle rules.
const (
	ActionExpire     ActionType = "expire"
	ActionTransition ActionType = "transition"
)

// LifecycleRule is one rule of a lifecycle policy (ECR user guide, "Lifecycle policy properties").
type LifecycleRule struct {
	// Priority is the place of the rule: lower ones come first. At least 1, unique in the policy.
	Priority int
	// Description is for people. May be empty.
	Description string
	TagStatus   TagStatus
	// TagPrefixes and TagPatterns select by tags, for [TagStatusTagged]: one of both. An image must have a tag for each entry.
	TagPrefixes []string
	// TagPatterns may hold "*", four in each at most.
	TagPatterns []string
	// StorageClass is where the images are. Empty is [StorageStandard].
	StorageClass StorageClass
	CountType    CountType
	// CountUnit is "days" for ages, and empty for numbers of images.
	CountUnit string
	// CountNumber is the number of images to keep, or the age in days. At least 1.
	CountNumber int
	// Action is what to do. Empty is [ActionExpire].
	Action ActionType
	// TargetStorageClass is where a [ActionTransition] moves images: [StorageArchive].
	TargetStorageClass StorageClass
}

// LifecyclePolicy is a lifecycle policy of a repository.
type LifecyclePolicy struct {
	Rules []LifecycleRule
	// fromJSON tells that it was written as JSON, so that advice is, too.
	fromJSON bool
}

// wireRule is a rule as ECR takes it.
type wireRule struct {
	Priority    int           `json:"rulePriority"`
	Description string        `json:"description,omitempty"`
	Selection   wireSelection `json:"selection"`
	Action      wireAction    `json:"action"`
}

type wireSelection struct {
	TagStatus    TagStatus    `json:"tagStatus"`
	TagPrefixes  []string     `json:"tagPrefixList,omitempty"`
	TagPatterns  []string     `json:"tagPatternList,omitempty"`
	StorageClass StorageClass `json:"storageClass,omitempty"`
	CountType    CountType    `json:"countType"`
	CountUnit    string       `json:"countUnit,omitempty"`
	CountNumber  int          `json:"countNumber"`
}

type wireAction struct {
	Type               ActionType   `json:"type"`
	TargetStorageClass StorageClass `json:"targetStorageClass,omitempty"`
}

// wire is the rule as ECR takes it, with what may be left out of a configuration and without what ECR does not need.
func (r LifecycleRule) wire() wireRule {
	r = r.withDefaults()
	if r.StorageClass == StorageStandard {
		r.StorageClass = ""
	}
	return wireRule{
		Priority: r.Priority, Description: r.Description,
		Selection: wireSelection{
			TagStatus: r.TagStatus, TagPrefixes: r.TagPrefixes, TagPatterns: r.TagPatterns, StorageClass: r.StorageClass,
			CountType: r.CountType, CountUnit: r.CountUnit, CountNumber: r.CountNumber,
		},
		Action: wireAction{Type: r.Action, TargetStorageClass: r.TargetStorageClass},
	}
}

// withDefaults spells out what may be left out.
func (r LifecycleRule) withDefaults() LifecycleRule {
	if r.Action == "" {
		r.Action = ActionExpire
	}
	if r.CountUnit == "" && r.CountType.isAge() {
		r.CountUnit = countUnitDays
	}
	if r.TargetStorageClass == "" && r.Action == ActionTransition {
		r.TargetStorageClass = StorageArchive
	}
	return r
}

// storage is the storage class the rule is about.
func (r LifecycleRule) storage() StorageClass {
	if r.StorageClass == "" {
		return StorageStandard
	}
	return r.StorageClass
}

func (t CountType) isAge() bool {
	return t == CountSincePushed || t == CountSincePulled || t == CountSinceTransitioned
}

// JSON is the policy as ECR takes it and as it is sent: compact, its rules in the order of their priorities.
func (p LifecyclePolicy) JSON() string {
	policy := struct {
		Rules []wireRule `json:"rules"`
	}{Rules: []wireRule{}}
	for _, rule := range p.sorted() {
		policy.Rules = append(policy.Rules, rule.wire())
	}
	return compactJSON(policy)
}

// compactJSON leaves characters such as "<" as they are: ECR counts what is sent.
func compactJSON(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "" // cannot be: there are only strings and numbers in it
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// sorted are the rules in the order of their priorities.
func (p LifecyclePolicy) sorted() []LifecycleRule {
	return slices.SortedStableFunc(slices.Values(p.Rules), func(a, b LifecycleRule) int { return a.Priority - b.Priority })
}

// SameLifecyclePolicy tells whether two policies mean the same, whatever the order of rules, lists and keys, the white space, and defaults that are written or left
// out. Descriptions count: they are part of what people see. A text that is no JSON is the same only as itself. Properties that this package does not know count, too.
func SameLifecyclePolicy(a, b string) bool {
	if a == b {
		return true
	}
	left, errLeft := canonicalLifecycle(a)
	right, errRight := canonicalLifecycle(b)
	return errLeft == nil && errRight == nil && reflect.DeepEqual(left, right)
}

// canonicalLifecycle is the policy in the one form that all its spellings have.
func canonicalLifecycle(text string) (map[string]any, error) {
	var policy map[string]any
	if err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(&policy); err != nil {
		return nil, err
	}
	rules, ok := policy["rules"].([]any)
	if !ok {
		return policy, nil
	}
	for _, rule := range rules {
		if rule, ok := rule.(map[string]any); ok {
			canonicalRule(rule)
		}
	}
	slices.SortStableFunc(rules, func(a, b any) int { return int(priorityOf(a)) - int(priorityOf(b)) })
	return policy, nil
}

func priorityOf(rule any) float64 {
	fields, _ := rule.(map[string]any)
	priority, _ := fields["rulePriority"].(float64)
	return priority
}

func canonicalRule(rule map[string]any) {
	dropNulls(rule)
	if rule["description"] == "" {
		delete(rule, "description")
	}
	selection, _ := rule["selection"].(map[string]any)
	dropNulls(selection)
	for _, list := range []string{"tagPrefixList", "tagPatternList"} {
		entries, ok := selection[list].([]any)
		if !ok {
			continue
		}
		slices.SortFunc(entries, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		entries = slices.CompactFunc(entries, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
		if selection[list] = entries; len(entries) == 0 {
			delete(selection, list)
		}
	}
	if selection["storageClass"] == string(StorageStandard) {
		delete(selection, "storageClass")
	}
	if countType, _ := selection["countType"].(string); CountType(countType).isAge() && selection["countUnit"] == countUnitDays {
		delete(selection, "countUnit")
	}
	action, _ := rule["action"].(map[string]any)
	dropNulls(action)
	if action["type"] == string(ActionTransition) && action["targetStorageClass"] == string(StorageArchive) {
		delete(action, "targetStorageClass")
	}
}

// dropNulls drops what is null, which means the same as left out.
func dropNulls(object map[string]any) {
	maps.DeleteFunc(object, func(_ string, value any) bool { return value == nil })
}
