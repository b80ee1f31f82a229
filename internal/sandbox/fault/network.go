package fault

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Network is a network in memory, with one server that listens at every address of it. In a bubble of testing/synctest its
// time is that of the bubble: no machine is too busy for it, and waiting takes none. It implements [net.Listener].
type Network struct {
	arriving chan net.Conn
	closed   chan struct{}
	close    func()
}

// NewNetwork makes a network that nobody listens at yet; whoever dials it waits for that.
func NewNetwork() *Network {
	n := &Network{arriving: make(chan net.Conn), closed: make(chan struct{})}
	n.close = sync.OnceFunc(func() { close(n.closed) })
	return n
}

// Transport makes requests over the network. Nothing of it stays behind once the server has closed its connections.
func (n *Network) Transport() *http.Transport {
	return &http.Transport{DialContext: n.dial}
}

func (n *Network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.arriving <- server:
		return client, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Accept implements [net.Listener].
func (n *Network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.arriving:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener]. Connections stay.
func (n *Network) Close() error {
	n.close()
	return nil
}

// Addr implements [net.Listener].
func (n *Network) Addr() net.Addr { return memory{} }

// memory is the address of everything in a [Network].
type memory struct{}

func (memory) Network() string { return "memory" }

func (memory) String() string { return "memory.test" }
