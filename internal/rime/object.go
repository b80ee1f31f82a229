package rime

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// object is a JSON object that the platform sent, read as leniently as CONTRACT §8 asks for: fields in either spelling (camelCase,
// snake_case), numbers as numbers or strings, anything missing or null. A field of a kind that makes no sense counts as missing.
type object map[string]any

var errNoObject = errors.New("the answer is JSON, but no object")

// parseObject reads a body that holds exactly one JSON object.
func parseObject(body []byte) (object, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // 64-bit integers do not fit into float64
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the answer's JSON")
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, errNoObject
	}
	return fields, nil
}

// value is the field of that name, which is in camelCase. Nil when it is missing or null.
func (o object) value(name string) any {
	if value, ok := o[name]; ok {
		return value
	}
	return o[snakeCase(name)]
}

func snakeCase(name string) string {
	var snake strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			snake.WriteByte('_')
		}
		snake.WriteRune(unicode.ToLower(r))
	}
	return snake.String()
}

// unescape undoes what the platform does to some strings and not to others: it escapes them for HTML (CONTRACT §2.12). Entities
// without a semicolon are left alone, because "&region=" in an address is none.
var unescape = strings.NewReplacer(
	"&lt;", "<", "&gt;", ">", "&amp;", "&", "&quot;", `"`, "&#34;", `"`, "&#39;", "'", "&#x27;", "'", "&apos;", "'",
).Replace

// text is a string, or a number as it is written.
func (o object) text(name string) string {
	switch value := o.value(name).(type) {
	case string:
		return unescape(value)
	case json.Number:
		return value.String()
	default:
		return ""
	}
}

// integer is a whole number, 0 when there is none.
func (o object) integer(name string) int64 {
	number, err := strconv.ParseInt(o.text(name), 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// seconds is a number of seconds.
func (o object) seconds(name string) time.Duration {
	number, err := strconv.ParseFloat(o.text(name), 64)
	if err != nil {
		return 0
	}
	return time.Duration(number * float64(time.Second))
}

// time is a time by RFC 3339, the zero time when there is none. The platform writes one that has not come as null; the year 1 and 1970 are what the zero value of
// protobuf's and Go's times look like.
func (o object) time(name string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, o.text(name))
	if err != nil || at.Unix() <= 0 {
		return time.Time{}
	}
	return at.UTC()
}

// isFalse tells that the field is there and false.
func (o object) isFalse(name string) bool {
	value, ok := o.value(name).(bool)
	return ok && !value
}

// enum is a value of an enum, by name or number.
func (o object) enum(name string, e enum) string { return e.decode(o.text(name)) }

// object is a field that is an object, nil when there is none.
func (o object) object(name string) object {
	value, _ := o.value(name).(map[string]any)
	return value
}

// objects are the objects in a list. A list that is missing or null is empty; ok is false when the field is something else.
func (o object) objects(name string) (all []object, ok bool) {
	value := o.value(name)
	if value == nil {
		return nil, true
	}
	list, ok := value.([]any)
	for _, element := range list {
		fields, isObject := element.(map[string]any)
		if !isObject {
			return nil, false
		}
		all = append(all, fields)
	}
	return all, ok
}

// elements are the objects in a list that nothing depends on: what is none is left out.
func (o object) elements(name string) []object {
	all, _ := o.objects(name)
	return all
}
