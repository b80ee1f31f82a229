package primehub

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// node is an object of the graph: its fields by name, as values or as what makes them. A field that is not there is null.
type node map[string]any

// lazy makes the value of a field when it is asked for.
type lazy func(arguments) (any, error)

// errNulled is a null where none may be, whose reason has been told: the object around it becomes null.
var errNulled = errors.New("null")

// execution is the execution of one operation (GraphQL specification, section 6).
type execution struct {
	schema    *ast.Schema
	variables map[string]any
	errors    []wireError
	edition   Edition
}

// answerField is a field of an answer. Answers keep the order that was asked for.
type answerField struct {
	name  string
	value any
}

type answerObject []answerField

// appendJSON encodes a value of an answer.
func appendJSON(text []byte, value any) []byte {
	switch v := value.(type) {
	case answerObject:
		text = append(text, '{')
		for i, f := range v {
			if i > 0 {
				text = append(text, ',')
			}
			text = append(appendJSON(text, f.name), ':')
			text = appendJSON(text, f.value)
		}
		return append(text, '}')
	case []any:
		text = append(text, '[')
		for i, item := range v {
			if i > 0 {
				text = append(text, ',')
			}
			text = appendJSON(text, item)
		}
		return append(text, ']')
	}
	encoded, _ := json.Marshal(value) // texts, numbers and what is made of them can be encoded
	return append(text, encoded...)
}

// tell adds an error to the answer.
func (e *execution) tell(err error) {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		refused = refuse(codeInternalServer, "%v", err)
	}
	e.errors = append(e.errors, refused.in(e.edition).wire())
}

// object completes an object: errNulled if a field is null that must not be.
func (e *execution) object(of *ast.Definition, set ast.SelectionSet, resolve func(name string, args arguments) (any, error)) (answerObject, error) {
	object := answerObject{}
	for _, fields := range e.collect(set, nil) {
		first := fields[0]
		if first.Name == "__typename" {
			object = append(object, answerField{first.Alias, of.Name})
			continue
		}
		value, err := resolve(first.Name, e.arguments(first))
		if err != nil {
			e.tell(err)
			if first.Definition.Type.NonNull {
				return nil, errNulled
			}
			value = nil
		}
		if value, err = e.complete(first.Definition.Type, value, fields, of.Name+"."+first.Name); err != nil {
			return nil, err
		}
		object = append(object, answerField{first.Alias, value})
	}
	return object, nil
}

// resolve finds the value of a field.
func (n node) resolve(name string, args arguments) (any, error) {
	if value, ok := n[name].(lazy); ok {
		return value(args)
	}
	return n[name], nil
}

// complete brings a value into the form of its type: errNulled if it is null and must not be.
func (e *execution) complete(t *ast.Type, value any, fields []*ast.Field, where string) (any, error) {
	completed, err := e.completeNullable(t, value, fields, where)
	switch {
	case err != nil && t.NonNull:
		return nil, err
	case err == nil && completed == nil && t.NonNull:
		e.tell(refuse(codeInternalServer, "Cannot return null for non-nullable field %s.", where))
		return nil, errNulled
	case err != nil:
		return nil, nil //nolint:nilerr,nilnil // it has been told, and null is a value
	}
	return completed, nil
}

func (e *execution) completeNullable(t *ast.Type, value any, fields []*ast.Field, where string) (any, error) {
	if value == nil {
		return nil, nil //nolint:nilnil // null is a value
	}
	if t.Elem != nil {
		items, _ := value.([]any)
		list := make([]any, len(items))
		for i, item := range items {
			var err error
			if list[i], err = e.complete(t.Elem, item, fields, where); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	n, ok := value.(node)
	if !ok {
		return value, nil
	}
	var set ast.SelectionSet
	for _, f := range fields {
		set = append(set, f.SelectionSet...)
	}
	object, err := e.object(e.schema.Types[t.NamedType], set, n.resolve)
	if err != nil {
		return nil, err
	}
	return object, nil
}

// collect gathers the fields of a selection, those of one name in the answer together, in the order of their first.
func (e *execution) collect(set ast.SelectionSet, collected [][]*ast.Field) [][]*ast.Field {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			if e.included(s.Directives) {
				collected = gather(collected, s)
			}
		case *ast.InlineFragment: // there are no abstract types: its condition holds
			if e.included(s.Directives) {
				collected = e.collect(s.SelectionSet, collected)
			}
		case *ast.FragmentSpread:
			if e.included(s.Directives) {
				collected = e.collect(s.Definition.SelectionSet, collected)
			}
		}
	}
	return collected
}

func gather(collected [][]*ast.Field, f *ast.Field) [][]*ast.Field {
	for i, fields := range collected {
		if fields[0].Alias == f.Alias {
			collected[i] = append(fields, f)
			return collected
		}
	}
	return append(collected, []*ast.Field{f})
}

// included looks at @skip and @include.
func (e *execution) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		condition, _ := e.literal(d.Definition.Arguments.ForName("if").Type, d.Arguments.ForName("if").Value)
		if d.Name == "skip" && condition == true || d.Name == "include" && condition == false {
			return false
		}
	}
	return true
}

// arguments are those of a field that are given.
func (e *execution) arguments(f *ast.Field) arguments {
	args := arguments{}
	for _, a := range f.Arguments {
		if value, given := e.literal(f.Definition.Arguments.ForName(a.Name).Type, a.Value); given {
			args[a.Name] = value
		}
	}
	return args
}

// literal is the value that a document gives, false if it is a variable that has none.
func (e *execution) literal(t *ast.Type, v *ast.Value) (value any, given bool) {
	switch {
	case v.Kind == ast.Variable:
		value, given = e.variables[v.Raw]
		return value, given
	case v.Kind == ast.NullValue:
		return nil, true
	case t.Elem != nil:
		if v.Kind != ast.ListValue {
			item, _ := e.literal(t.Elem, v)
			return []any{item}, true
		}
		list := []any{}
		for _, child := range v.Children {
			item, _ := e.literal(t.Elem, child.Value)
			list = append(list, item)
		}
		return list, true
	case v.Kind == ast.ObjectValue:
		object := arguments{}
		for _, child := range v.Children {
			if value, given := e.literal(e.schema.Types[t.NamedType].Fields.ForName(child.Name).Type, child.Value); given {
				object[child.Name] = value
			}
		}
		return object, true
	case v.Kind == ast.BooleanValue:
		return v.Raw == "true", true
	case v.Kind == ast.IntValue && t.NamedType == "Int":
		var number int
		_, _ = fmt.Sscan(v.Raw, &number) // the parser has read it as one
		return number, true
	}
	return v.Raw, true
}
