package primehub

import (
	_ "embed" // the schema is a file

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

//go:embed schema.graphql
var baseSchema string

//go:embed schema_enterprise.graphql
var enterpriseSchema string

// loadSchema returns the schema of an edition.
func loadSchema(e Edition) (*ast.Schema, error) {
	sources := []*ast.Source{{Name: "schema.graphql", Input: baseSchema}}
	if e == Enterprise {
		sources = append(sources, &ast.Source{Name: "schema_enterprise.graphql", Input: enterpriseSchema})
	}
	return gqlparser.LoadSchema(sources...)
}
