package pythonindex_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
)

// TestError_OutOfReach tells an index that this machine has no way to from one that is down, and from one that is wrong.
func TestError_OutOfReach(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, test := range map[string]struct {
		answer pythonindex.Error
		want   bool
	}{
		"no answer in time":      {pythonindex.Error{Err: &httpx.TimeoutError{After: time.Minute}}, true},
		"no connection in time":  {pythonindex.Error{Err: dial(os.ErrDeadlineExceeded)}, true},
		"no route to network":    {pythonindex.Error{Err: dial(os.NewSyscallError("connect", syscall.ENETUNREACH))}, true},
		"no route to host":       {pythonindex.Error{Err: dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH))}, true},
		"no name server":         {pythonindex.Error{Err: dial(&net.DNSError{Err: "server misbehaving", IsTemporary: true})}, true},
		"no such name":           {pythonindex.Error{Err: dial(&net.DNSError{Err: "no such host", IsNotFound: true})}, false},
		"refused":                {pythonindex.Error{Err: dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))}, false},
		"reset":                  {pythonindex.Error{Err: os.NewSyscallError("read", syscall.ECONNRESET)}, false},
		"busy":                   {pythonindex.Error{Status: http.StatusTooManyRequests}, false},
		"down":                   {pythonindex.Error{Status: http.StatusGatewayTimeout}, false},
		"given up by the caller": {pythonindex.Error{Err: context.DeadlineExceeded}, false},
		"something else":         {pythonindex.Error{Err: errors.New("something else")}, false},
	} {
		if got := test.answer.OutOfReach(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
