package oci

import (
	"bytes"
	"errors"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// Service is the name of the registry in fault rules and recorded requests.
const Service = "oci_registry"

// Server is a [Registry] on a loopback port, behind a gate that records requests and makes some go wrong.
type Server struct {
	*fault.Server
	registry  *Registry
	temporary string
}

// Start starts a registry on a free loopback port.
func Start(o Options) (*Server, error) { return StartAt("127.0.0.1:0", o) }

// StartAt starts a registry at this address: the one that another server had, to bring it back.
func StartAt(address string, o Options) (s *Server, err error) {
	s = &Server{}
	if o.DataDir == "" {
		if s.temporary, err = os.MkdirTemp("", "rime-registry-"); err != nil {
			return nil, err
		}
		o.DataDir = s.temporary
	}
	if s.registry, err = New(o); err != nil {
		return nil, errors.Join(err, s.removeTemporary())
	}
	listener, err := fault.Listen(address)
	if err != nil {
		return nil, errors.Join(err, s.removeTemporary())
	}
	gate := &fault.Gate{}
	s.Server = fault.Serve(listener, gate, gate.Wrap(Service, s.registry))
	return s, nil
}

// Manifests lists the digests of all manifests of a repository ("ml/model"), also of those that no tag leads to and no registry lists.
func (s *Server) Manifests(repository string) ([]string, error) {
	return s.registry.manifests.digests(repository)
}

// Close ends the server and every connection to it, and removes a temporary data directory.
func (s *Server) Close() error { return errors.Join(s.Server.Close(), s.removeTemporary()) }

func (s *Server) removeTemporary() error {
	if s.temporary == "" {
		return nil
	}
	return os.RemoveAll(s.temporary)
}

func digestOf(content []byte) v1.Hash {
	h, _, _ := v1.SHA256(bytes.NewReader(content)) // reading memory does not fail
	return h
}
