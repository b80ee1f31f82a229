package aws

import (
	"cmp"
	"errors"
	"net"
	"os"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// Server is a [Cloud] on a loopback port, behind a gate that records operations and makes some go wrong. Its URL is the endpoint of all services, its
// Host the registry.
type Server struct {
	*fault.Server
	*Cloud
	temporary string
}

// Start starts an account on a free loopback port.
func Start(o Options) (*Server, error) {
	listener, err := fault.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return StartOn(listener, &fault.Gate{}, o)
}

// StartOn starts an account behind a gate that others may share. It closes the listener, at the latest with [Server.Close]. Without a data
// directory it takes a temporary one, which Close removes.
func StartOn(listener net.Listener, gate *fault.Gate, o Options) (s *Server, err error) {
	s = &Server{}
	o.Host = cmp.Or(o.Host, listener.Addr().String())
	if o.DataDir == "" {
		s.temporary, err = os.MkdirTemp("", "rime-aws-")
		o.DataDir = s.temporary
	}
	if err == nil {
		s.Cloud, err = New(o)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close(), s.removeTemporary())
	}
	s.Server = fault.Serve(listener, gate, fault.Beside(gate, Service, s.Cloud))
	return s, nil
}

// Close ends the server and every connection to it, and removes a temporary data directory.
func (s *Server) Close() error { return errors.Join(s.Server.Close(), s.removeTemporary()) }

func (s *Server) removeTemporary() error {
	if s.temporary == "" {
		return nil
	}
	return os.RemoveAll(s.temporary)
}
