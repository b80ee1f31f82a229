package awsregistry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ParseLifecyclePolicy reads a policy as ECR writes it: keys in ECR's own spelling, and none but ECR's. What is null is
// left out. Its errors are [*InputError] about what is missing or of the wrong kind; what the rules say is for
// [LifecyclePolicy.Check].
func ParseLifecyclePolicy(text string) (LifecyclePolicy, error) {
	policy, err := parsePolicy(text)
	if err != nil {
		return LifecyclePolicy{}, &InputError{
			Rule: -1, Field: FieldLifecyclePolicy, Text: text, Problem: "is no lifecycle policy of ECR: " + err.Error(),
			Suggestion: `write { "rules": [ … ] } with the properties of the ECR user guide ("Lifecycle policy properties")`,
		}
	}
	return policy, nil
}

// CanonicalLifecyclePolicy is the policy as it is sent to ECR. A text that is no policy is returned as it is.
func CanonicalLifecyclePolicy(text string) string {
	policy, err := parsePolicy(text)
	if err != nil {
		return text
	}
	return policy.JSON()
}

func parsePolicy(text string) (LifecyclePolicy, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		return LifecyclePolicy{}, fmt.Errorf("it is not JSON (%w)", err)
	}
	if decoder.Decode(&struct{}{}) != io.EOF {
		return LifecyclePolicy{}, errors.New("there is more than one value in it")
	}
	top, err := readObject("it", raw, "rules")
	if err != nil {
		return LifecyclePolicy{}, err
	}
	rules, err := read[[]json.RawMessage](top, "rules", "a list of rules")
	if err != nil {
		return LifecyclePolicy{}, err
	}
	policy := LifecyclePolicy{fromJSON: true}
	for i, raw := range rules {
		rule, err := parseRule(fmt.Sprintf("rule %d", i+1), raw)
		if err != nil {
			return LifecyclePolicy{}, err
		}
		policy.Rules = append(policy.Rules, rule)
	}
	return policy, nil
}

// parseRule reads one rule; name is what errors call it.
func parseRule(name string, raw json.RawMessage) (rule LifecycleRule, err error) {
	object, err := readObject(name, raw, "rulePriority", "description", "selection", "action")
	if err != nil {
		return rule, err
	}
	selection, selectionErr := readNested(object, "selection",
		"tagStatus", "tagPrefixList", "tagPatternList", "storageClass", "countType", "countUnit", "countNumber")
	action, actionErr := readNested(object, "action", "type", "targetStorageClass")
	if err := firstOf(selectionErr, actionErr); err != nil {
		return rule, err
	}
	const text, number, list = "a text", "a whole number", "a list of texts"
	var errs [11]error
	rule.Priority, errs[0] = read[int](object, "rulePriority", number)
	rule.Description, errs[1] = readOptional[string](object, "description", text)
	rule.TagStatus, errs[2] = read[TagStatus](selection, "tagStatus", text)
	rule.TagPrefixes, errs[3] = readOptional[[]string](selection, "tagPrefixList", list)
	rule.TagPatterns, errs[4] = readOptional[[]string](selection, "tagPatternList", list)
	rule.StorageClass, errs[5] = readOptional[StorageClass](selection, "storageClass", text)
	rule.CountType, errs[6] = read[CountType](selection, "countType", text)
	rule.CountUnit, errs[7] = readOptional[string](selection, "countUnit", text)
	rule.CountNumber, errs[8] = read[int](selection, "countNumber", number)
	rule.Action, errs[9] = read[ActionType](action, "type", text)
	rule.TargetStorageClass, errs[10] = readOptional[StorageClass](action, "targetStorageClass", text)
	return rule, firstOf(errs[:]...)
}

// firstOf is the first error there is: one fault is told at a time, as later ones may follow from it.
func firstOf(errs ...error) error {
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}

// object is a JSON object whose keys are known, without those whose value is null.
type object struct {
	name   string
	fields map[string]json.RawMessage
}

// readObject reads an object that may have these keys. Go's own decoder would take keys in another case, and the last of
// two that are the same.
func readObject(name string, raw json.RawMessage, known ...string) (object, error) {
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return object{}, fmt.Errorf("%s is no object { … }", name)
	}
	o := object{name, map[string]json.RawMessage{}}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		key, _ := token.(string)
		var value json.RawMessage
		if err = errors.Join(err, decoder.Decode(&value)); err != nil {
			return object{}, err
		}
		switch {
		case !slices.Contains(known, key):
			return object{}, fmt.Errorf("%s has %q, which ECR does not know; %s", name, key, rightKey(key, known))
		case seen[key]:
			return object{}, fmt.Errorf("%s has %q twice", name, key)
		}
		if seen[key] = true; string(value) != "null" {
			o.fields[key] = value
		}
	}
	return o, nil
}

// rightKey says what to write instead of a key that ECR does not know.
func rightKey(key string, known []string) string {
	if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, key) }); i >= 0 {
		return fmt.Sprintf("write %q", known[i])
	}
	return `it knows "` + strings.Join(known, `", "`) + `"`
}

// readNested reads an object within an object, which has to be there.
func readNested(within object, key string, known ...string) (object, error) {
	raw, found := within.fields[key]
	if !found {
		return object{}, fmt.Errorf("%s lacks %q", within.name, key)
	}
	return readObject(key+" of "+within.name, raw, known...)
}

// read reads a value that has to be there; kind is what it has to be, in words.
func read[T any](from object, key, kind string) (T, error) {
	var none T
	if _, found := from.fields[key]; !found {
		return none, fmt.Errorf("%s lacks %q", from.name, key)
	}
	return readOptional[T](from, key, kind)
}

// readOptional reads a value that may be left out.
func readOptional[T any](from object, key, kind string) (T, error) {
	var value T
	raw, found := from.fields[key]
	if !found {
		return value, nil
	}
	if json.Unmarshal(raw, &value) != nil {
		return value, fmt.Errorf("%s has %s as %q, which is not %s", from.name, raw, key, kind)
	}
	return value, nil
}
