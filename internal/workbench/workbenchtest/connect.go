package workbenchtest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// Connect asks a server something, and returns what expects that the server has ended since. That nobody answers at an address
// any more is no sign of it: somebody else may have the port by then.
func Connect(t testing.TB, host string) (expectEnded func()) {
	t.Helper()
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := request.Write(connection); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(connection)
	response, err := http.ReadResponse(answers, request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close() // it has been read, and the connection stays
	if response.Close {
		t.Fatalf("the server at %s ends the connection by itself", host)
	}
	return func() {
		t.Helper()
		_ = connection.SetReadDeadline(time.Now().Add(30 * time.Minute))
		if _, err := answers.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the server at %s still runs: %v", host, err)
		}
	}
}
