package pythonindex

import (
	"net/http"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// Transient tells an error that another attempt may not meet: an index that is down, busy, or out of reach.
func (e *Error) Transient() bool {
	if e.Status == 0 {
		return httpx.Temporary(e.Err) && passing(e.Err)
	}
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status >= http.StatusInternalServerError
}
