package pythonindex

import (
	"errors"
	"net"
	"net/http"
	"syscall"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// Transient tells an error that another attempt may not meet: an index that is down, busy, or out of reach.
func (e *Error) Transient() bool {
	if e.Status == 0 {
		return httpx.Temporary(e.Err) && passing(e.Err)
	}
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status >= http.StatusInternalServerError
}

// OutOfReach tells an index of which nothing was heard, not even that it is down. Another machine may have a way to it.
func (e *Error) OutOfReach() bool { return e.Status == 0 && e.Transient() && outOfReach(e.Err) }

// OutOfReach is that of [Error.OutOfReach], for the server of an address.
func (e *DirectError) OutOfReach() bool { return e.Status == 0 && e.Transient() && outOfReach(e.Err) }

func outOfReach(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	late, ok := errors.AsType[net.Error](err)
	return ok && late.Timeout() || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH)
}
