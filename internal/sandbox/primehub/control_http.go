package primehub

import "net/http"

// Control is the control endpoint of the platform, beside that of its gate.
func (p *Platform) Control() http.Handler { return http.NewServeMux() }
