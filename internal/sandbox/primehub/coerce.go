package primehub

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// arguments are the arguments of a field, or the fields of an input object. What is not given is not there; null is.
type arguments map[string]any

// given tells whether a value is given, even null.
func (a arguments) given(name string) bool { _, given := a[name]; return given }

// text is the value as text: empty for null and for what is not given.
func (a arguments) text(name string) string {
	s, _ := a[name].(string)
	return s
}

func (a arguments) object(name string) arguments {
	o, _ := a[name].(arguments)
	return o
}

func (a arguments) list(name string) []any {
	l, _ := a[name].([]any)
	return l
}

// number is the value as a number: zero for null and for what is not given.
func (a arguments) number(name string) int {
	n, _ := a[name].(int)
	return n
}

// coerceVariables brings the values of an operation's variables into the form of their types.
func coerceVariables(schema *ast.Schema, operation *ast.OperationDefinition, sent map[string]any) (map[string]any, error) {
	c := coercion{schema: schema}
	values := map[string]any{}
	for _, v := range operation.VariableDefinitions {
		value, given := sent[v.Variable]
		switch {
		case !given && v.DefaultValue != nil:
			e := execution{schema: schema}
			values[v.Variable], _ = e.literal(v.Type, v.DefaultValue)
		case !given && v.Type.NonNull:
			return nil, refuse(codeInternalServer, "Variable \"$%s\" of required type %q was not provided.", v.Variable, v.Type)
		case given && value == nil && v.Type.NonNull:
			return nil, refuse(codeInternalServer, "Variable \"$%s\" of non-null type %q must not be null.", v.Variable, v.Type)
		case given:
			c.variable, c.whole = v.Variable, value
			coerced, err := c.coerce(v.Type, value, "")
			if err != nil {
				return nil, err
			}
			values[v.Variable] = coerced
		}
	}
	return values, nil
}

// coercion is the coercion of one variable.
type coercion struct {
	schema   *ast.Schema
	variable string
	whole    any
}

func (c *coercion) refuse(path string, value any, format string, args ...any) error {
	at := ""
	if path != "" {
		at = fmt.Sprintf(" at %q", c.variable+path)
	}
	text, _ := json.Marshal(value) // it was JSON
	return refuse(codeBadUserInput, "Variable \"$%s\" got invalid value %s%s; %s", c.variable, text, at, fmt.Sprintf(format, args...))
}

func (c *coercion) coerce(t *ast.Type, value any, path string) (any, error) {
	if value == nil {
		if t.NonNull {
			return nil, c.refuse(path, value, "Expected non-nullable type %q not to be null.", t)
		}
		return nil, nil //nolint:nilnil // null is a value
	}
	if t.Elem != nil {
		items, ok := value.([]any)
		if !ok { // a list of one, as the specification has it
			items = []any{value}
		}
		list := make([]any, len(items))
		for i, item := range items {
			var err error
			if list[i], err = c.coerce(t.Elem, item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	switch of := c.schema.Types[t.NamedType]; of.Kind {
	case ast.InputObject:
		return c.object(of, value, path)
	case ast.Enum:
		if name, ok := value.(string); ok && of.EnumValues.ForName(name) != nil {
			return name, nil
		}
		return nil, c.refuse(path, value, "Expected type %s.", of.Name)
	default:
		return c.scalar(of.Name, value, path)
	}
}

func (c *coercion) object(of *ast.Definition, value any, path string) (any, error) {
	sent, ok := value.(map[string]any)
	if !ok {
		return nil, c.refuse(path, value, "Expected type %s to be an object.", of.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if of.Fields.ForName(name) == nil {
			return nil, c.refuse(path, value, "Field %q is not defined by type %s.", name, of.Name)
		}
	}
	object := arguments{}
	for _, f := range of.Fields {
		field, given := sent[f.Name]
		if !given {
			if f.Type.NonNull {
				return nil, c.refuse(path, value, "Field %s of required type %s was not provided.", f.Name, f.Type)
			}
			continue
		}
		coerced, err := c.coerce(f.Type, field, path+"."+f.Name)
		if err != nil {
			return nil, err
		}
		object[f.Name] = coerced
	}
	return object, nil
}

func (c *coercion) scalar(name string, value any, path string) (any, error) {
	switch v := value.(type) {
	case string:
		if name == "String" || name == "ID" || name == "JSON" {
			return v, nil
		}
	case bool:
		if name == "Boolean" || name == "JSON" {
			return v, nil
		}
	case float64:
		switch whole := v == math.Trunc(v); {
		case name == "Int" && whole && math.Abs(v) <= math.MaxInt32:
			return int(v), nil
		case name == "ID" && whole:
			return strconv.FormatFloat(v, 'f', 0, 64), nil
		case name == "Float" || name == "JSON":
			return v, nil
		}
	}
	text, _ := json.Marshal(value) // it was JSON
	return nil, c.refuse(path, value, "Expected type %s. %s cannot represent the value: %s", name, name, text)
}
