package awsregistry

import (
	"fmt"
	"slices"
	"strings"
)

// RecordTag is the tag of the record that the embedded registry keeps of an image (package embedded).
const RecordTag = "rime-record"

// Hazard is a rule that could take away what the embedded registry needs.
type Hazard struct {
	// Rule is the index of the rule in the order given, from zero.
	Rule int
	// Record tells that it is the record of an image that could go, and not only the image.
	Record bool
	// Reason is how, as a whole sentence.
	Reason string
	// Suggestion is what to do, in the imperative.
	Suggestion string
}

// imageTags are the forms of the tags of images that records point to: a Python version, "-" and twelve hexadecimal digits.
var imageTags = []string{"0.0-hhhhhhhhhhhh", "0.00-hhhhhhhhhhhh"}

// Hazards are the rules that could expire, or archive so that it cannot be pulled, the record of the embedded registry or an image that a record points
// to. A rule is no hazard where ECR's own semantics rule it out: a rule that selects untagged images only, as the manifests of an index go with their
// index; tags that none of ours has; a rule that can never fire for ours, as it keeps at least one image of a tag that only one image can have; and one that
// comes after such a rule, because an image is left to the first rule that selects it.
func (p LifecyclePolicy) Hazards() []Hazard {
	var hazards []Hazard
	recordSafe := false
	for _, rule := range p.sorted() {
		if rule.storage() == StorageArchive {
			continue // What is archived was taken away by an earlier rule.
		}
		index := slices.IndexFunc(p.Rules, func(r LifecycleRule) bool { return r.Priority == rule.Priority })
		if rule.selects(RecordTag) {
			switch {
			case recordSafe:
			case rule.keepsRecord():
				recordSafe = true
			default:
				hazards = append(hazards, Hazard{
					Rule: index, Record: true,
					Reason:     fmt.Sprintf("The rule of priority %d can %s the record %q of an image of the embedded registry.", rule.Priority, rule.verb(), RecordTag),
					Suggestion: fmt.Sprintf("put a rule before it with tag_patterns = [%q], count_type = %q and count_number = 1, which never fires and keeps the record from later rules", RecordTag, CountMoreThan),
				})
				continue
			}
		}
		if rule.selectsImages() {
			hazards = append(hazards, Hazard{
				Rule:       index,
				Reason:     fmt.Sprintf("The rule of priority %d can %s an image that is in use: its tags include those of managed images (such as \"3.12-0123456789ab\").", rule.Priority, rule.verb()),
				Suggestion: "select untagged images only, or tags that managed images do not have",
			})
		}
	}
	return hazards
}

func (r LifecycleRule) verb() string {
	if r.Action == ActionTransition {
		return "archive"
	}
	return "expire"
}

// selects tells whether an image with that one tag is among those the rule is about.
func (r LifecycleRule) selects(tag string) bool {
	switch r.TagStatus {
	case TagStatusAny:
		return true
	case TagStatusTagged:
		patterns := r.patterns()
		return len(patterns) > 0 && !slices.ContainsFunc(patterns, func(pattern string) bool { return !matchesTag(pattern, tag) })
	default:
		return false
	}
}

// selectsImages tells whether an image that a record points to can be among those the rule is about.
func (r LifecycleRule) selectsImages() bool {
	if r.TagStatus == TagStatusAny {
		return true
	}
	patterns := r.patterns()
	return r.TagStatus == TagStatusTagged && len(patterns) > 0 && slices.ContainsFunc(imageTags, func(form string) bool {
		return !slices.ContainsFunc(patterns, func(pattern string) bool { return !overlaps(pattern, form) })
	})
}

// keepsRecord tells whether the rule can never fire for the record: it counts the images of a tag that one image has at most.
func (r LifecycleRule) keepsRecord() bool {
	return r.CountType == CountMoreThan && r.CountNumber >= 1 && slices.Contains(r.TagPatterns, RecordTag)
}

// matchesTag tells whether the tag is one of the pattern's.
func matchesTag(pattern, tag string) bool {
	return glob(pattern, len(tag), func(i int, c byte) bool { return tag[i] == c })
}

// overlaps tells whether some tag of that form is one of the pattern's. In a form, "0" is any digit and "h" any hexadecimal digit.
func overlaps(pattern, form string) bool {
	return glob(pattern, len(form), func(i int, c byte) bool {
		switch form[i] {
		case '0':
			return c >= '0' && c <= '9'
		case 'h':
			return strings.IndexByte("0123456789abcdef", c) >= 0
		}
		return form[i] == c
	})
}

// glob matches a pattern with "*" against a text of that length; is tells whether a character of the pattern can be at that place of the text.
func glob(pattern string, length int, is func(i int, c byte) bool) bool {
	// reached[i] tells that the pattern so far matches the first i characters.
	reached := make([]bool, length+1)
	reached[0] = true
	for _, c := range []byte(pattern) {
		next := make([]bool, length+1)
		for i := range reached {
			switch {
			case c == '*':
				next[i] = reached[i] || i > 0 && next[i-1]
			case i > 0:
				next[i] = reached[i-1] && is(i-1, c)
			}
		}
		reached = next
	}
	return reached[length]
}

// Useless are the rules that can never do anything, because a rule before them selects every image they select: an image is left to the first rule that selects it.
// They are worth a warning; ECR accepts them.
func (p LifecyclePolicy) Useless() []*InputError {
	var useless []*InputError
	sorted := p.sorted()
	for i, rule := range sorted {
		for _, before := range sorted[:i] {
			if before.storage() != rule.storage() || before.TagStatus != TagStatusTagged || rule.TagStatus != TagStatusTagged || !before.covers(rule) {
				continue
			}
			useless = append(useless, &InputError{
				Rule:  slices.IndexFunc(p.Rules, func(r LifecycleRule) bool { return r.Priority == rule.Priority }),
				Field: rule.tagField(), Text: strings.Join(rule.tags(), ", "), Suggestion: "give it a lower priority number, or remove it",
				Problem: fmt.Sprintf("never has an effect: the rule of priority %d comes first and selects all of these images", before.Priority),
			})
			break
		}
	}
	return useless
}

// covers tells whether every image the other rule selects is one this rule selects: each of our patterns is implied by one of theirs.
func (r LifecycleRule) covers(other LifecycleRule) bool {
	theirs := other.patterns()
	return !slices.ContainsFunc(r.patterns(), func(ours string) bool {
		return !slices.ContainsFunc(theirs, func(their string) bool { return implies(their, ours) })
	})
}

// implies tells whether every tag of one pattern is one of the other's. A "*" of the first can only be met by a "*" of the second.
func implies(pattern, by string) bool {
	return glob(by, len(pattern), func(i int, c byte) bool { return pattern[i] == c && c != '*' })
}
