package primehub

import (
	_ "embed" // the schema is a file
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

//go:embed schema.graphql
var baseSchema string

//go:embed schema_enterprise.graphql
var enterpriseSchema string

// The schemas of the editions, which nobody changes.
var schemas = map[Edition]func() (*ast.Schema, error){
	Community:  sync.OnceValues(func() (*ast.Schema, error) { return loadSchema(baseSchema) }),
	Enterprise: sync.OnceValues(func() (*ast.Schema, error) { return loadSchema(baseSchema, enterpriseSchema) }),
}

func loadSchema(parts ...string) (*ast.Schema, error) {
	var sources []*ast.Source
	for _, part := range parts {
		sources = append(sources, &ast.Source{Name: "schema.graphql", Input: part})
	}
	return gqlparser.LoadSchema(sources...)
}
