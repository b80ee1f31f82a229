package primehub

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// Service is the name of the platform in fault rules and recorded requests.
const Service = "primehub"

// Server is a [Platform] on a loopback port, behind a gate that records requests and makes some go wrong.
type Server struct {
	*fault.Server
	*Platform
}

// Start starts a platform on a free loopback port.
func Start(o Options) (*Server, error) {
	platform, err := New(o)
	if err != nil {
		return nil, err
	}
	server, err := fault.Start(Service, platform)
	if err != nil {
		return nil, err
	}
	return &Server{server, platform}, nil
}

// Endpoint is the URL of the API.
func (s *Server) Endpoint() string { return s.URL + Path }

// Behind puts a gate before the platform, to which a GraphQL request has its root fields in its path: "/api/graphql/image+images".
func (p *Platform) Behind(gate *fault.Gate) http.Handler {
	type asSent struct{}
	gated := gate.Wrap(Service, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sent, ok := r.Context().Value(asSent{}).(string); ok {
			r.URL.Path = sent
		}
		p.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == Path {
			name := operationNames(r)
			r = r.Clone(context.WithValue(r.Context(), asSent{}, r.URL.Path))
			r.URL.Path += name
		}
		gated.ServeHTTP(w, r)
	})
}

// operationNames looks at what a request asks for, and leaves it as it was. It is empty if that cannot be told.
func operationNames(r *http.Request) string {
	begin, _ := io.ReadAll(io.LimitReader(r.Body, maxJSON)) // an error will come again
	rest := r.Body
	peeked := *r
	peeked.Body = io.NopCloser(bytes.NewReader(begin))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(begin), rest), rest}

	requests, _, err := readRequests(&peeked)
	if err != nil {
		return ""
	}
	var names []string
	for _, request := range requests {
		document, err := parser.ParseQuery(&ast.Source{Input: request.text()})
		if err != nil {
			continue
		}
		if operation := document.Operations.ForName(request.OperationName); operation != nil {
			names = append(names, fieldNames(operation.SelectionSet)...)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "/" + strings.Join(names, "+")
}
