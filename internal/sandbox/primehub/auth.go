package primehub

import (
	"slices"
	"strings"
	"time"
)

// user is a user of Keycloak.
type user struct {
	User
	id string
}

// caller is who makes a call. Without a user it is the hub, with the shared secret (internal/primehub/CONTRACT.md §1.3: the role CLIENT).
type caller struct{ user *user }

func (c caller) client() bool { return c.user == nil }

func (c caller) admin() bool { return c.user != nil && c.user.Admin }

// administers tells whether the caller is a group administrator of the group of that name: nobody is of a group that does not exist.
func (p *Platform) administers(c caller, groupName string) bool {
	return c.user != nil && groupName != "" && slices.ContainsFunc(p.groups, func(g *group) bool {
		return g.Name == groupName && slices.Contains(g.Admins, c.user.Username)
	})
}

// in tells whether a user is in a group.
func (p *Platform) in(u *user, g *group) bool {
	return u != nil && (g.id == everyoneID || slices.Contains(u.Groups, g.Name))
}

// verdict is what the platform remembers of a token.
type verdict struct {
	user  *user
	until time.Time
}

// Why a request is not let in.
const (
	noToken  = "request not authorized"
	badToken = "Invalid API Token"
)

// authenticate finds out who sends a request. The lock must be held.
func (p *Platform) authenticate(header string, now time.Time) (caller, error) {
	token := strings.TrimPrefix(header, "Bearer ") // without the blank, all of it is a token, which nobody has
	switch {
	case !strings.HasPrefix(header, "Bearer") || token == "" || token == "Bearer": // "bearer" is refused
		return caller{}, refuse(codeInternalServer, noToken)
	case p.options.SharedSecret != "" && token == p.options.SharedSecret:
		return caller{}, nil
	}
	if v, known := p.tokens[token]; known && now.Before(v.until) && !p.options.NoTokenCache {
		return v.caller()
	}
	if p.fails(Keycloak, Authenticate) {
		return caller{}, keycloakDown()
	}
	v := verdict{until: now.Add(badTokenTTL)}
	if i := slices.IndexFunc(p.users, func(u *user) bool { return u.Token == token }); i >= 0 {
		v = verdict{p.users[i], now.Add(tokenTTL)}
	}
	p.tokens[token] = v
	return v.caller()
}

func (v verdict) caller() (caller, error) {
	if v.user == nil {
		return caller{}, refuse(codeInternalServer, badToken)
	}
	return caller{v.user}, nil
}

// call is one request.
type call struct {
	caller
	now time.Time
	// host is the address of the platform, as "http://127.0.0.1:8080".
	host string
	// unseen keeps the call out of the records.
	unseen bool
	// verdicts are those of the permission layer, which asks each of its rules once in a request, whatever the arguments.
	verdicts map[string]bool
}

// rule is a rule of the permission layer.
type rule struct {
	name string
	may  func(p *Platform, c *call, args arguments) bool
}

var (
	anyone     = rule{"anyone", func(*Platform, *call, arguments) bool { return true }}
	anyUser    = rule{"user", func(_ *Platform, c *call, _ arguments) bool { return !c.client() }}
	adminOnly  = rule{"admin", func(_ *Platform, c *call, _ arguments) bool { return c.admin() }}
	adminOrHub = rule{"admin or client", func(_ *Platform, c *call, _ arguments) bool { return c.admin() || c.client() }}
	ofTheGroup = rule{"group", func(p *Platform, c *call, args arguments) bool {
		if c.admin() || c.client() {
			return true
		}
		g := p.groupByID(args.object("where").text("id"))
		return g != nil && (p.in(c.user, g) || p.administers(c.caller, g.Name))
	}}
)

// permits asks a rule. What it says of the first field of a request holds for all others (internal/primehub/CONTRACT.md §1.5).
func (c *call) permits(p *Platform, r rule, args arguments) bool {
	verdict, asked := c.verdicts[r.name]
	if !asked {
		verdict = r.may(p, c, args)
		c.verdicts[r.name] = verdict
	}
	return verdict
}
