package fault

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// StandIn is what a [Server] serves.
type StandIn interface {
	// Behind is the stand-in behind a gate.
	Behind(gate *Gate) http.Handler
	// Control is its control endpoint, beside that of the gate.
	Control() http.Handler
}

// Server is a stand-in at an address, behind a gate that records requests and makes some go wrong.
type Server struct {
	// URL is "http://127.0.0.1:PORT"; Host is the same without the scheme.
	URL, Host string
	// Gate has the requests so far, and takes fault rules.
	*Gate
	server *http.Server
	served sync.WaitGroup
	// end makes requests end that the stand-in is at work on, or that a fault delays.
	end context.CancelFunc
}

// Start starts a stand-in on a free loopback port, behind a gate of its own. Its control endpoint is at /control/SERVICE.
func Start(service string, s StandIn) (*Server, error) {
	listener, err := Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	gate := &Gate{}
	return Serve(listener, gate, Beside(gate, service, s)), nil
}

// Listen listens at an address.
func Listen(address string) (net.Listener, error) {
	return net.Listen("tcp", address) //nolint:noctx // a local bind does not block
}

// Serve serves what is behind a gate at a listener, and closes that with [Server.Close].
func Serve(listener net.Listener, gate *Gate, behind http.Handler) *Server {
	host := listener.Addr().String()
	ctx, end := context.WithCancel(context.Background()) //nolint:forbidigo // a server ends by Close
	server := &http.Server{
		Handler: behind, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: log.New(io.Discard, "", 0), // connections that a fault has cut
	}
	s := &Server{URL: "http://" + host, Host: host, Gate: gate, server: server, end: end}
	s.served.Go(func() { _ = s.server.Serve(listener) }) // it ends with ErrServerClosed, by Close
	return s
}

// Close ends the server and every connection to it.
func (s *Server) Close() error {
	s.end()
	defer s.served.Wait()
	return s.server.Close()
}

// Beside is a stand-in with the control endpoints beside it: that of the gate at /control, and its own at /control/SERVICE.
func Beside(gate *Gate, service string, s StandIn) http.Handler {
	mux := gate.Mux(map[string]http.Handler{service: s.Control()})
	mux.Handle("/", s.Behind(gate))
	return mux
}
