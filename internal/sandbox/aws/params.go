package aws

import (
	"net/url"
	"strconv"
)

// params are the parameters of a call in the Query protocol: flat, with lists like "Tags.member.1.Key".
type params struct{ url.Values }

// list is a list of strings.
func (p params) list(name string) []string {
	var values []string
	for i := 1; p.Has(name + ".member." + strconv.Itoa(i)); i++ {
		values = append(values, p.Get(name+".member."+strconv.Itoa(i)))
	}
	return values
}

// tags is the list of tags.
func (p params) tags() []tag {
	var tags []tag
	for i := 1; ; i++ {
		member := "Tags.member." + strconv.Itoa(i)
		if !p.Has(member+".Key") && !p.Has(member+".Value") {
			return tags
		}
		tags = append(tags, tag{p.Get(member + ".Key"), p.Get(member + ".Value")})
	}
}

// number is a whole number within bounds, or the default.
func (p params) number(name string, otherwise, least, most int) (int, error) {
	text := p.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, refuse("ValidationError", "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: "+
			"Member must be between %d and %d", text, lowerFirst(name), least, most)
	}
	return n, nil
}

// members is a list in an XML answer.
type members[T any] struct {
	Member []T `xml:"member"`
}

// tag is a tag, in both protocols.
type tag struct {
	Key   string
	Value string
}
