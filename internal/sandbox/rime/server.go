package rime

import (
	"net/http"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// Service is the name of the platform in fault rules and recorded requests.
const Service = "rime"

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

// Behind puts a gate before the platform.
func (p *Platform) Behind(gate *fault.Gate) http.Handler { return gate.Wrap(Service, p) }
