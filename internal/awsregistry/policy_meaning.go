package awsregistry

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// SamePolicy tells whether two policy documents grant and deny the same, however they are written: what Id and Sid say, the
// order and repetition of anything, one value or a list of one, the case of actions and of condition keys, one statement or
// several that share the same between them, and IAM's own rewriting of principals. A document may be escaped as IAM's
// answers are. One that is no policy is the same as nothing, and an empty one only as an empty one.
func SamePolicy(a, b string) bool {
	a, b = Unescape(a), Unescape(b)
	if a == "" || b == "" {
		return a == b
	}
	grantsOfA, errA := grants(a)
	grantsOfB, errB := grants(b)
	return errA == nil && errB == nil && maps.Equal(grantsOfA, grantsOfB)
}

// Unescape undoes the percent-encoding in which IAM returns documents. A text that is not encoded is returned as it is.
func Unescape(text string) string {
	if json.Valid([]byte(text)) {
		return text
	}
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// policyDocument is a policy as IAM's grammar has it.
type policyDocument struct {
	Version, ID string
	Statement   listOf[policyStatement]
}

type policyStatement struct {
	Sid, Effect             string
	Principal, NotPrincipal principals
	Action, NotAction       oneOrMany
	Resource, NotResource   oneOrMany
	Condition               map[string]map[string]conditionValues
}

// listOf is a list in which a single value may stand for itself.
type listOf[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *listOf[T]) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return decodeStrictly(text, (*[]T)(l))
	}
	*l = make([]T, 1)
	return decodeStrictly(text, &(*l)[0])
}

// principals are who, as "kind:who".
type principals []string

// accountRoot is how IAM writes an account for which its bare number was given.
var accountRoot = regexp.MustCompile(`\Aarn:aws[a-z-]*:iam::([0-9]{12}):root\z`)

// UnmarshalJSON implements json.Unmarshaler.
func (p *principals) UnmarshalJSON(text []byte) error {
	if string(text) == `"*"` {
		*p = principals{"AWS:*"}
		return nil
	}
	var byKind map[string]oneOrMany
	if err := json.Unmarshal(text, &byKind); err != nil {
		return err
	}
	for kind, all := range byKind {
		for _, who := range all {
			if root := accountRoot.FindStringSubmatch(who); root != nil {
				who = root[1]
			}
			*p = append(*p, kind+":"+who)
		}
	}
	return nil
}

// conditionValues are texts; truth values and numbers stand for theirs.
type conditionValues []string

// UnmarshalJSON implements json.Unmarshaler.
func (v *conditionValues) UnmarshalJSON(text []byte) error {
	var values listOf[any]
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	for _, value := range values {
		*v = append(*v, fmt.Sprint(value))
	}
	return nil
}

func decodeStrictly(text []byte, into any) error {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// maxGrants bounds into how many grants a statement is split.
const maxGrants = 10_000

// grants are the smallest parts of a policy: who may, or may not, do one thing to one resource under one condition.
func grants(text string) (map[string]bool, error) {
	var document policyDocument
	if err := decodeStrictly([]byte(text), &document); err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, statement := range document.Statement {
		for _, grant := range statement.split() {
			all[grant] = true
		}
	}
	if strings.Contains(text, "${") { // Only a newer version knows variables.
		all["version "+document.Version] = true
	}
	return all, nil
}

// split are the grants of a statement. What is excepted stays together: two exceptions mean another thing than one of both.
func (s policyStatement) split() []string {
	axes := [][]string{
		{s.Effect},
		s.Principal,
		{joined(s.NotPrincipal)},
		lower(s.Action),
		{joined(lower(s.NotAction))},
		s.Resource,
		{joined(s.NotResource)},
	}
	for _, operator := range slices.Sorted(maps.Keys(s.Condition)) {
		for _, key := range slices.Sorted(maps.Keys(s.Condition[operator])) {
			var tests []string
			for _, value := range s.Condition[operator][key] {
				tests = append(tests, operator+" "+strings.ToLower(key)+" "+value)
			}
			if !splits(operator) {
				tests = []string{joined(tests)}
			}
			axes = append(axes, tests)
		}
	}
	return product(axes)
}

// splits tells whether a condition with several values holds where it holds for one of them, so that a statement for each
// value means the same.
func splits(operator string) bool {
	return !strings.Contains(operator, "Not") && !strings.HasPrefix(operator, "ForAllValues:")
}

// product are all combinations of one of each list. A list that is too long for that is taken as one.
func product(axes [][]string) []string {
	size := 1
	for i, axis := range axes {
		axis = set(axis)
		if len(axis) == 0 {
			axis = []string{""}
		}
		if size*len(axis) > maxGrants {
			axis = []string{joined(axis)}
		}
		axes[i], size = axis, size*len(axis)
	}
	all := []string{""}
	for _, axis := range axes {
		var longer []string
		for _, begun := range all {
			for _, value := range axis {
				longer = append(longer, begun+"\n"+value)
			}
		}
		all = longer
	}
	return all
}

// joined is a list as one value, whatever its order.
func joined(list []string) string {
	return strings.Join(set(list), "\t")
}

func lower(list []string) []string {
	small := make([]string, 0, len(list))
	for _, text := range list {
		small = append(small, strings.ToLower(text))
	}
	return small
}
