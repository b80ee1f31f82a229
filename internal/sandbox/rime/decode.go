package rime

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
)

// message is one JSON object of a request, read as proto3's JSON is by grpc-gateway: a field has its name in snake case or in
// camel case, but not twice; null is as good as nothing; unknown fields do not matter.
type message struct {
	members map[string][]json.RawMessage
	// first is the first error of the whole request.
	first *error
}

// parse reads the body of a request. An empty body is an empty message.
func parse(body []byte) (*message, error) {
	m := &message{first: new(error)}
	var raw json.RawMessage
	switch err := json.NewDecoder(bytes.NewReader(body)).Decode(&raw); {
	case errors.Is(err, io.EOF):
		return m, nil
	case err != nil:
		return nil, invalid("invalid JSON: %v", err)
	}
	m.read("the body", raw)
	return m, m.err()
}

// err is the first error of the whole request.
func (m *message) err() error { return *m.first }

func (m *message) fail(format string, args ...any) {
	if *m.first == nil {
		*m.first = invalid(format, args...)
	}
}

// read keeps the members of an object apart, with those that are there twice. encoding/json would keep the last.
func (m *message) read(what string, raw json.RawMessage) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if opening, _ := decoder.Token(); opening != json.Delim('{') {
		m.fail("%s is not an object: %s", what, shorten(raw))
		return
	}
	m.members = map[string][]json.RawMessage{}
	for decoder.More() {
		// It is valid JSON, so that nothing can fail here.
		key, _ := decoder.Token()
		var value json.RawMessage
		_ = decoder.Decode(&value)
		if name, ok := key.(string); ok {
			m.members[name] = append(m.members[name], value)
		}
	}
}

// field is the value of a field, nil if it is not there.
func (m *message) field(name string) json.RawMessage {
	values := m.members[name]
	if other := camelCase(name); other != name {
		values = slices.Concat(values, m.members[other])
	}
	switch {
	case len(values) > 1:
		m.fail("duplicate field %q", camelCase(name))
	case len(values) == 1 && string(values[0]) != "null":
		return values[0]
	}
	return nil
}

// text is a string field, empty if it is not there.
func (m *message) text(name string) string {
	var value string
	if raw := m.field(name); raw != nil && json.Unmarshal(raw, &value) != nil {
		m.fail("invalid value for the string field %s: %s", camelCase(name), shorten(raw))
	}
	return value
}

// integer is a field of the type int64: a number or a string.
func (m *message) integer(name string) int64 {
	raw := m.field(name)
	if raw == nil {
		return 0
	}
	text := string(raw)
	if raw[0] == '"' {
		text = m.text(name)
	}
	value, err := parseInteger(text)
	if err != nil {
		m.fail("invalid value for the int64 field %s: %s", camelCase(name), shorten(raw))
	}
	return value
}

// parseInteger takes 2, 2.0 and 2e0.
func parseInteger(text string) (int64, error) {
	value, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return value, nil
	}
	float, floatErr := strconv.ParseFloat(text, 64)
	if floatErr != nil || float != math.Trunc(float) || math.Abs(float) >= 1<<63 {
		return 0, err
	}
	return int64(float), nil
}

// enum is a field of an enum: a name or a number. An unknown name is as good as nothing, an unknown number stays as it is.
func (m *message) enum(name string, values []string) string {
	raw := m.field(name)
	if raw == nil {
		return values[0]
	}
	if raw[0] == '"' {
		if value := m.text(name); slices.Contains(values, value) {
			return value
		}
		return values[0]
	}
	number, err := parseInteger(string(raw))
	switch {
	case err != nil:
		m.fail("invalid value for the enum field %s: %s", camelCase(name), shorten(raw))
	case number < 0 || number >= int64(len(values)):
		return strconv.FormatInt(number, 10)
	default:
		return values[number]
	}
	return values[0]
}

// each yields the messages of a list.
func (m *message) each(name string) iter.Seq[*message] {
	return func(yield func(*message) bool) {
		raw := m.field(name)
		if raw == nil {
			return
		}
		var elements []json.RawMessage
		if json.Unmarshal(raw, &elements) != nil {
			m.fail("invalid value for the repeated field %s: %s", camelCase(name), shorten(raw))
			return
		}
		for _, element := range elements {
			child := &message{first: m.first}
			child.read("an element of "+camelCase(name), element)
			if !yield(child) {
				return
			}
		}
	}
}

// parameter is a parameter of the query, by either of its names, empty if it is not there.
func (c *call) parameter(name string) (value string, given bool, err error) {
	query := c.URL.Query()
	values := query[name]
	if other := camelCase(name); other != name {
		values = slices.Concat(values, query[other])
	}
	switch len(values) {
	case 0:
		return "", false, nil
	case 1:
		return values[0], true, nil
	}
	return "", false, invalid("too many values for the parameter %s", camelCase(name))
}

// camelCase is a field's name in JSON.
func camelCase(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// shorten keeps an error short whatever a client sent.
func shorten(raw []byte) string {
	const enough = 60
	if len(raw) <= enough {
		return string(raw)
	}
	return strings.ToValidUTF8(string(raw[:enough]), "") + "…"
}
