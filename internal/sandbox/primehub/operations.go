package primehub

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// Operation is a GraphQL operation that the platform has executed.
type Operation struct {
	// Name is the operation's own, empty if it has none. Kind is "query" or "mutation".
	Name string `json:"name,omitempty"`
	Kind string `json:"kind"`
	// Fields are the root fields that it asks for, and Selected all fields, as "image.jobStatus.phase".
	Fields   []string `json:"fields"`
	Selected []string `json:"selected"`
	// User is who asks: a user name, or "client" for the hub.
	User string    `json:"user"`
	At   time.Time `json:"at"`
}

// Operations are the operations executed so far, the oldest first.
func (p *Platform) Operations() []Operation {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Operation{}, p.operations...)
}

// CountOperations counts the operations so far that ask for a root field.
func (p *Platform) CountOperations(field string) int {
	count := 0
	for _, o := range p.Operations() {
		if slices.Contains(o.Fields, field) {
			count++
		}
	}
	return count
}

// ForgetOperations forgets the operations so far.
func (p *Platform) ForgetOperations() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.operations = nil
}

// KeycloakCalls is how often Keycloak was asked which groups may use an image: for the field groups, once for each group there is.
func (p *Platform) KeycloakCalls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keycloakCalls
}

// graphQLAnswer is the answer to one operation.
type graphQLAnswer struct {
	errors []wireError
	// executed tells that it came to data: null or an object.
	executed bool
	data     answerObject
}

// appendTo encodes the answer: an operation that was not executed has no data, not even null.
func (a graphQLAnswer) appendTo(text []byte) []byte {
	text = append(text, '{')
	if len(a.errors) > 0 {
		text = appendJSON(append(text, `"errors":`...), a.errors)
		if a.executed {
			text = append(text, ',')
		}
	}
	if a.executed {
		text = append(text, `"data":`...)
		if a.data == nil {
			text = append(text, "null"...)
		} else {
			text = appendJSON(text, a.data)
		}
	}
	return append(text, '}')
}

func refusedAnswer(refusals ...*refusal) (int, graphQLAnswer) {
	var a graphQLAnswer
	for _, r := range refusals {
		a.errors = append(a.errors, r.wire())
	}
	return http.StatusBadRequest, a
}

// execute executes an operation. The lock must be held.
func (p *Platform) execute(c *call, r request, method string) (status int, a graphQLAnswer) {
	operation, refusals := p.prepare(r)
	if refusals != nil {
		return refusedAnswer(refusals...)
	}
	if method == http.MethodGet && operation.Operation != ast.Query {
		return http.StatusMethodNotAllowed, a
	}
	sent, _ := variablesOf(r) // it is well-formed
	variables, err := coerceVariables(p.schema, operation, sent)
	if refused, ok := errors.AsType[*refusal](err); ok {
		return refusedAnswer(refused)
	}
	p.record(c, operation)
	e := &execution{schema: p.schema, variables: variables, edition: p.options.Edition}
	root := p.schema.Query
	if operation.Operation == ast.Mutation {
		root = p.schema.Mutation
	}
	// An error is a null all the way up: it has been told, and the data is null.
	a.data, _ = e.object(root, operation.SelectionSet, func(name string, args arguments) (any, error) { return p.resolveRoot(c, name, args) })
	a.errors, a.executed = e.errors, true
	return http.StatusOK, a
}

// prepare parses and validates the document of a request, and finds the operation in it.
func (p *Platform) prepare(r request) (*ast.OperationDefinition, []*refusal) {
	query := r.text()
	if query == "" {
		return nil, []*refusal{refuse(codeInternalServer, noQuery)}
	}
	parsed, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return nil, []*refusal{refuse(codeParseFailed, "Syntax Error: %s", messageOf(err))}
	}
	if asked := parsed.Operations.ForName(r.OperationName); asked != nil && asked.Operation == ast.Subscription {
		return nil, []*refusal{refuse(codeInternalServer, "Schema is not configured for subscriptions.")}
	}
	document, errs := gqlparser.LoadQueryWithRules(p.schema, query, nil)
	var refusals []*refusal
	for _, err := range errs {
		refusals = append(refusals, refuse(codeValidationFailed, "%s", typeName.ReplaceAllString(err.Message, "$1$2")))
	}
	if refusals != nil {
		return nil, refusals
	}
	if name := p.unknownDirective(parsed); name != "" {
		return nil, []*refusal{refuse(codeValidationFailed, "Unknown directive %q.", name)}
	}
	operation := document.Operations.ForName(r.OperationName)
	switch {
	case operation == nil && r.OperationName == "":
		return nil, []*refusal{refuse(codeInternalServer, "Must provide operation name if query contains multiple operations.")}
	case operation == nil:
		return nil, []*refusal{refuse(codeInternalServer, "Unknown operation named %q.", r.OperationName)}
	case slices.ContainsFunc(fieldNames(operation.SelectionSet), func(name string) bool { return name == "__schema" || name == "__type" }):
		return nil, []*refusal{refuse(codeValidationFailed, "GraphQL introspection is not allowed by Apollo Server, but the query contained "+
			"__schema or __type. To enable introspection, pass introspection: true to ApolloServer in production")}
	}
	return operation, nil
}

// typeName is how the parser quotes the name of a type, which the reference implementation does not.
var typeName = regexp.MustCompile(`( is not defined by type )"(\w+)"`)

// unknownDirective is the first directive that the edition does not know: the stitched schema of an enterprise
// installation has none.
func (p *Platform) unknownDirective(document *ast.QueryDocument) string {
	if p.options.Edition != Enterprise {
		return ""
	}
	for _, operation := range document.Operations {
		if name := firstDirective(operation.SelectionSet); name != "" {
			return name
		}
	}
	for _, fragment := range document.Fragments {
		if name := firstDirective(fragment.SelectionSet); name != "" {
			return name
		}
	}
	return ""
}

func firstDirective(set ast.SelectionSet) string {
	for _, selection := range set {
		var directives ast.DirectiveList
		var inner ast.SelectionSet
		switch s := selection.(type) {
		case *ast.Field:
			directives, inner = s.Directives, s.SelectionSet
		case *ast.InlineFragment:
			directives, inner = s.Directives, s.SelectionSet
		case *ast.FragmentSpread:
			directives = s.Directives
		}
		if len(directives) > 0 {
			return directives[0].Name
		}
		if name := firstDirective(inner); name != "" {
			return name
		}
	}
	return ""
}

func messageOf(err error) string {
	if e, ok := errors.AsType[*gqlerror.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// variablesOf reads the variables: an object, or the text of one.
func variablesOf(r request) (map[string]any, error) {
	text := bytes.TrimSpace(r.Variables)
	if len(text) == 0 {
		return nil, nil //nolint:nilnil // there are none
	}
	if text[0] == '"' {
		var inner string
		if err := json.Unmarshal(text, &inner); err != nil {
			return nil, err
		}
		text = []byte(inner)
	}
	var values map[string]any
	err := json.Unmarshal(text, &values)
	return values, err
}

// fieldNames are the names of the fields of a selection, those of its fragments included.
func fieldNames(set ast.SelectionSet) []string {
	var names []string
	walk(set, "", func(path string) {
		if !strings.Contains(path, ".") && !slices.Contains(names, path) {
			names = append(names, path)
		}
	})
	return names
}

// walk visits the fields of a selection by their paths.
func walk(set ast.SelectionSet, prefix string, visit func(path string)) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			visit(prefix + s.Name)
			walk(s.SelectionSet, prefix+s.Name+".", visit)
		case *ast.InlineFragment:
			walk(s.SelectionSet, prefix, visit)
		case *ast.FragmentSpread:
			if s.Definition != nil {
				walk(s.Definition.SelectionSet, prefix, visit)
			}
		}
	}
}

func (p *Platform) record(c *call, operation *ast.OperationDefinition) {
	if c.unseen {
		return
	}
	o := Operation{Name: operation.Name, Kind: string(operation.Operation), Fields: fieldNames(operation.SelectionSet), User: "client", At: c.now}
	walk(operation.SelectionSet, "", func(path string) { o.Selected = append(o.Selected, path) })
	if c.user != nil {
		o.User = c.user.Username
	}
	p.operations = append(p.operations, o)
}
