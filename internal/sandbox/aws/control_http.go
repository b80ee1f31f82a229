package aws

import "net/http"

// Control is the control endpoint of the account, beside that of its gate.
func (c *Cloud) Control() http.Handler { return http.NewServeMux() }
