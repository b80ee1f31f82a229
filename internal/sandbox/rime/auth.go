package rime

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// Role is what the owner of an API key may do.
type Role string

// The roles of a platform. Everybody may read; a viewer can do no more, and only an organization's administrator may delete.
const (
	OrgAdmin       Role = "ORG_ADMIN"
	WorkspaceAdmin Role = "WORKSPACE_ADMIN"
	User           Role = "USER"
	Viewer         Role = "VIEWER"
)

// Key is an API key.
type Key struct {
	// Value is what the client sends in the header rime-api-key.
	Value string
	Role  Role
	// Expires is when it is refused. Zero is never.
	Expires time.Time
}

// The keys of a platform that is given none, one of each role and one that has expired.
const (
	KeyOrgAdmin       = "rime-sandbox-org-admin"
	KeyWorkspaceAdmin = "rime-sandbox-workspace-admin"
	KeyUser           = "rime-sandbox-user"
	KeyViewer         = "rime-sandbox-viewer"
	KeyExpired        = "rime-sandbox-expired"
)

func defaultKeys() []Key {
	return []Key{
		{Value: KeyOrgAdmin, Role: OrgAdmin},
		{Value: KeyWorkspaceAdmin, Role: WorkspaceAdmin},
		{Value: KeyUser, Role: User},
		{Value: KeyViewer, Role: Viewer},
		{Value: KeyExpired, Role: OrgAdmin, Expires: time.Unix(0, 0)},
	}
}

// APIKey is the first key of an organization's administrator. Empty if there is none.
func (p *Platform) APIKey() string {
	i := slices.IndexFunc(p.options.Keys, func(k Key) bool { return k.Role == OrgAdmin && k.Expires.IsZero() })
	if i < 0 {
		return ""
	}
	return p.options.Keys[i].Value
}

// keyOfCall is where the context of a request has its key.
type keyOfCall struct{}

// authenticated lets through the requests with a good key. It is nginx that refuses the others, not the API.
func (p *Platform) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, known := p.keys[r.Header.Get("Rime-Api-Key")]
		if !known || !key.Expires.IsZero() && !p.options.Clock().Before(key.Expires) {
			nginxError(w, http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), keyOfCall{}, key)))
	})
}

// mayWrite refuses viewers.
func (c *call) mayWrite() error {
	if c.key.Role == Viewer {
		return refuse(codePermissionDenied, "the role %s does not permit this action", c.key.Role)
	}
	return nil
}

// mayDelete refuses everybody but the organization's administrators.
func (c *call) mayDelete() error {
	if c.key.Role != OrgAdmin {
		return refuse(codePermissionDenied, "only an Organization Administrator can delete a managed image, and the role of this API key is %s", c.key.Role)
	}
	return nil
}
