package rime

import (
	"net"
	"net/http"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

// Service is the name of the platform in fault rules and recorded requests.
const Service = "rime"

// Server is a [Platform] on a loopback port, behind a gate that records requests and makes some go wrong.
type Server struct {
	// URL is "http://127.0.0.1:PORT".
	URL string
	// Gate has the requests so far, and takes fault rules.
	*fault.Gate
	*Platform
	server *http.Server
}

// Start starts a platform on a free loopback port.
func Start(o Options) (*Server, error) {
	platform, err := New(o)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a local bind does not block
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + listener.Addr().String(), Gate: &fault.Gate{}, Platform: platform}
	s.server = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // it ends with ErrServerClosed, by Close
	return s, nil
}

// handler has the control endpoints beside the platform, out of the gate's reach.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/control/", http.StripPrefix("/control", s.Gate.Control()))
	mux.Handle("/control/"+Service+"/", http.StripPrefix("/control/"+Service, s.Platform.Control()))
	mux.Handle("/", s.Wrap(Service, s.Platform))
	return mux
}

// Close ends the server and every connection to it.
func (s *Server) Close() error { return s.server.Close() }
