package workbenchtest

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
)

// Serve starts a server on a loopback port and returns its address, without a slash at the end, and how to stop it. The
// address is one that none has had before; see [Mount].
func Serve(handler http.Handler) (address string, stop func()) {
	mounted, path := Mount(handler)
	server := httptest.NewServer(mounted)
	return server.URL + path, server.Close
}

// Mount puts a handler, whose links have to be relative, below a path that none has had before. BuildKit's cache remembers
// addresses for longer than a port lasts, and would give a test what another had built.
func Mount(handler http.Handler) (mounted http.Handler, path string) {
	path = "/" + rand.Text()
	mux := http.NewServeMux()
	mux.Handle(path+"/", http.StripPrefix(path, handler))
	return mux, path
}
