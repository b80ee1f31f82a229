package rime

import (
	"bytes"
	"encoding/json"
	"html"
)

// Output is how answers are written. The zero value is what is known of platforms; the others are what a client ought to put up with.
type Output struct {
	// OmitUnpopulated leaves out the fields that are not set.
	OmitUnpopulated bool
	// NumericEnums writes the values of enums as numbers.
	NumericEnums bool
	// NullLists writes empty lists as null.
	NullLists bool
	// EscapeHTML escapes what HTML would need escaped, but for version specifiers and addresses.
	EscapeHTML bool
}

// encode writes an answer.
func (o Output) encode(answer any) []byte {
	body := encodeJSON(answer)
	if o == (Output{}) {
		return body
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return body // not reached: it has just been written
	}
	document, _ = o.reshape("", document)
	return encodeJSON(document)
}

// encodeJSON does not escape what HTML would need escaped, as the platform does not either: "<" is frequent in version specifiers.
func encodeJSON(value any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // the documents of this package can be encoded
	return buffer.Bytes()
}

// unescaped are the fields that the platform marks as not to be escaped, and those that would not work any more.
var unescaped = map[string]bool{"versionSpecifier": true, "url": true, "nextPageToken": true}

// reshape changes a field as the options say, and tells whether anything is set in it.
func (o Output) reshape(field string, value any) (changed any, populated bool) {
	switch v := value.(type) {
	case map[string]any:
		return o.reshapeMessage(v), true // a message that is there is there, even an empty one
	case []any:
		if len(v) == 0 && o.NullLists {
			return nil, false
		}
		for i := range v {
			v[i], _ = o.reshape(field, v[i])
		}
		return v, len(v) > 0
	case string:
		return o.reshapeText(field, v)
	case json.Number:
		return v, v != "0"
	case bool:
		return v, v
	}
	return value, false // null
}

func (o Output) reshapeMessage(message map[string]any) map[string]any {
	for name, member := range message {
		member, populated := o.reshape(name, member)
		message[name] = member
		if o.OmitUnpopulated && !populated {
			delete(message, name)
		}
	}
	return message
}

func (o Output) reshapeText(field, text string) (changed any, populated bool) {
	number, isEnum := enumNumber(text)
	switch {
	case isEnum && o.NumericEnums:
		return number, number != 0
	case isEnum:
		return text, number != 0
	case o.EscapeHTML && !unescaped[field]:
		return html.EscapeString(text), text != ""
	}
	return text, text != ""
}
