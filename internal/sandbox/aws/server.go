package aws

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// Server is a [Cloud] on a loopback port, behind a gate that records operations and makes some go wrong.
type Server struct {
	// URL is "http://127.0.0.1:PORT", the endpoint of all services. Host is the same without the scheme, the registry.
	URL, Host string
	// Gate has the operations so far, and takes fault rules.
	*fault.Gate
	*Cloud
	server    *http.Server
	temporary string
}

// Start starts an account on a free loopback port.
func Start(o Options) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a local bind does not block
	if err != nil {
		return nil, err
	}
	return StartOn(listener, &fault.Gate{}, o)
}

// StartOn starts an account behind a gate that others may share. It closes the listener, at the latest with [Server.Close]. Without a data
// directory it takes a temporary one, which Close removes.
func StartOn(listener net.Listener, gate *fault.Gate, o Options) (*Server, error) {
	s := &Server{Gate: gate, Host: listener.Addr().String()}
	s.URL = "http://" + s.Host
	if err := s.prepare(o); err != nil {
		return nil, errors.Join(err, listener.Close(), s.removeTemporary())
	}
	s.server = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // it ends with ErrServerClosed, by Close
	return s, nil
}

func (s *Server) prepare(o Options) (err error) {
	o.Host = cmp.Or(o.Host, s.Host)
	if o.DataDir == "" {
		if s.temporary, err = os.MkdirTemp("", "rime-aws-"); err != nil {
			return err
		}
		o.DataDir = s.temporary
	}
	s.Cloud, err = New(o)
	return err
}

// handler has the control endpoints beside the services, out of the gate's reach.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/control/", http.StripPrefix("/control", s.Gate.Control()))
	mux.Handle("/control/"+Service+"/", http.StripPrefix("/control/"+Service, s.Cloud.Control()))
	mux.Handle("/", s.Behind(s.Gate))
	return mux
}

// Close ends the server and every connection to it, and removes a temporary data directory.
func (s *Server) Close() error { return errors.Join(s.server.Close(), s.removeTemporary()) }

func (s *Server) removeTemporary() error {
	if s.temporary == "" {
		return nil
	}
	return os.RemoveAll(s.temporary)
}
