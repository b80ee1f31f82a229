package awsregistry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
type LifecyclePolicy struct{ Rules []LifecycleRule }

// wireRule is a rule as ECR writes it.
type wireRule struct {
	Priority    *int   `json:"rulePriority"`
	Description string `json:"description,omitempty"`
	Selection   *struct {
		TagStatus    TagStatus    `json:"tagStatus"`
		TagPrefixes  []string     `json:"tagPrefixList,omitempty"`
		TagPatterns  []string     `json:"tagPatternList,omitempty"`
		StorageClass StorageClass `json:"storageClass,omitempty"`
		CountType    CountType    `json:"countType"`
		CountUnit    string       `json:"countUnit,omitempty"`
		CountNumber  *int         `json:"countNumber"`
	} `json:"selection"`
	Action *struct {
		Type               ActionType   `json:"type"`
		TargetStorageClass StorageClass `json:"targetStorageClass,omitempty"`
	} `json:"action"`
}

type wirePolicy struct {
	Rules []wireRule `json:"rules"`
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

// JSON is the policy as ECR takes it, its rules in the order of their priorities.
func (p LifecyclePolicy) JSON() string {
	var policy wirePolicy
	for _, rule := range p.sorted() {
		rule = rule.withDefaults()
		var wire wireRule
		wire.Priority, wire.Description = &rule.Priority, rule.Description
		wire.Selection, wire.Action = alloc(wire.Selection), alloc(wire.Action)
		wire.Selection.TagStatus, wire.Selection.TagPrefixes, wire.Selection.TagPatterns = rule.TagStatus, rule.TagPrefixes, rule.TagPatterns
		wire.Selection.StorageClass, wire.Selection.CountType = rule.StorageClass, rule.CountType
		wire.Selection.CountUnit, wire.Selection.CountNumber = rule.CountUnit, &rule.CountNumber
		wire.Action.Type, wire.Action.TargetStorageClass = rule.Action, rule.TargetStorageClass
		policy.Rules = append(policy.Rules, wire)
	}
	text, err := json.Marshal(policy)
	if err != nil {
		return "" // cannot be: there are only strings and numbers in it
	}
	return string(text)
}

// alloc makes a value of the type that the pointer points to.
func alloc[T any](*T) *T { return new(T) }

// sorted are the rules in the order of their priorities.
func (p LifecyclePolicy) sorted() []LifecycleRule {
	return slices.SortedStableFunc(slices.Values(p.Rules), func(a, b LifecycleRule) int { return a.Priority - b.Priority })
}

// ParseLifecyclePolicy reads a policy as ECR writes it. Its errors are [*InputError] about what is not there at all or not of the right kind; what the
// rules say is for [LifecyclePolicy.Check].
func ParseLifecyclePolicy(text string) (LifecyclePolicy, error) {
	var wire wirePolicy
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&wire)
	if err == nil && decoder.Decode(&struct{}{}) != io.EOF {
		err = errors.New("there is more than one value in it")
	}
	if err != nil {
		return LifecyclePolicy{}, invalidPolicy(text, "is no lifecycle policy of ECR: "+strings.TrimPrefix(err.Error(), "json: "), `write { "rules": [ … ] } with the properties of the ECR user guide`)
	}
	var policy LifecyclePolicy
	for i, rule := range wire.Rules {
		missing := ""
		switch {
		case rule.Priority == nil:
			missing = "rulePriority"
		case rule.Selection == nil:
			missing = "selection"
		case rule.Selection.CountNumber == nil:
			missing = "selection.countNumber"
		case rule.Action == nil || rule.Action.Type == "":
			missing = "action.type"
		}
		if missing != "" {
			return LifecyclePolicy{}, invalidPolicy(text, fmt.Sprintf("lacks %s in rule %d", missing, i+1), "add it")
		}
		policy.Rules = append(policy.Rules, LifecycleRule{
			Priority: *rule.Priority, Description: rule.Description,
			TagStatus: rule.Selection.TagStatus, TagPrefixes: rule.Selection.TagPrefixes, TagPatterns: rule.Selection.TagPatterns,
			StorageClass: rule.Selection.StorageClass, CountType: rule.Selection.CountType,
			CountUnit: rule.Selection.CountUnit, CountNumber: *rule.Selection.CountNumber,
			Action: rule.Action.Type, TargetStorageClass: rule.Action.TargetStorageClass,
		})
	}
	return policy, nil
}

func invalidPolicy(text, problem, suggestion string) *InputError {
	return &InputError{Rule: -1, Field: FieldLifecyclePolicy, Text: text, Problem: problem, Suggestion: suggestion}
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
	if rule["description"] == "" {
		delete(rule, "description")
	}
	selection, _ := rule["selection"].(map[string]any)
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
}
