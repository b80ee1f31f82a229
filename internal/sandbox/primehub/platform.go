package primehub

import (
	"net/http"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/agenda"
)

// Platform is the handler of a simulated platform. It is safe for concurrent use.
//
// It runs no goroutine: whatever has become due by the clock happens when the next request, or the next call, comes in.
type Platform struct {
	options Options
	schema  *ast.Schema
	root    map[string]rootField
	handler http.Handler

	mu      sync.Mutex
	agenda  *agenda.Agenda
	outages []Outage

	users         []*user
	groups        []*group // everyone first
	roles         map[string]bool
	tokens        map[string]verdict
	keycloakCalls int

	images   map[string]*image
	jobs     map[string]*job
	history  []*job // every job there has been
	secrets  []*Secret
	failures map[string]Failure // by the normal name of what triggers them

	operations []Operation
}

// New returns a platform.
func New(o Options) (*Platform, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	schema, err := schemas[o.Edition]()
	if err != nil {
		return nil, err
	}
	p := &Platform{
		options: o, agenda: agenda.New(o.Clock), schema: schema, failures: o.Failures,
		roles: map[string]bool{}, tokens: map[string]verdict{}, images: map[string]*image{}, jobs: map[string]*job{},
	}
	p.groups = append(p.groups, newGroup(Group{ID: everyoneID, Name: groupEveryone}))
	for _, g := range o.Groups {
		p.groups = append(p.groups, newGroup(g))
	}
	for _, u := range o.Users {
		p.users = append(p.users, &user{u, "user-" + u.Username})
	}
	for _, s := range o.Secrets {
		p.secrets = append(p.secrets, &s)
	}
	p.root = p.rootFields()
	p.handler = p.routes()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agenda.CatchUp()
	return p, p.preload(o.Preload)
}

// ServeHTTP implements [http.Handler].
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// rootField is a field of Query or Mutation.
type rootField struct {
	rule    rule
	resolve func(c *call, args arguments) (any, error)
}

func (p *Platform) rootFields() map[string]rootField {
	return map[string]rootField{
		"image":                 {anyone, p.image},
		"images":                {anyone, p.imageList},
		"imagesConnection":      {anyone, p.imagesConnection},
		"groupImages":           {anyone, func(*call, arguments) (any, error) { return nil, nil }}, // it has no resolver
		"groupImagesConnection": {anyone, p.groupImagesConnection},
		"createImage":           {anyUser, p.createImage},
		"updateImage":           {anyUser, p.updateImage},
		"deleteImage":           {anyUser, p.deleteImage},
		"rebuildImage":          {anyUser, p.rebuildImage},
		"cancelImageBuild":      {anyUser, p.cancelImageBuild},
		"me":                    {anyUser, p.me},
		"group":                 {ofTheGroup, p.group},
		"groups":                {adminOrHub, p.groupList},
		"groupsConnection":      {adminOnly, p.groupsConnection},
		"secret":                {anyone, p.secret},
		"secrets":               {anyone, p.secretList},
		"secretsConnection":     {adminOnly, p.secretsConnection},
		"createSecret":          {adminOnly, p.createSecret},
		"updateSecret":          {adminOnly, p.updateSecret},
		"deleteSecret":          {adminOnly, p.deleteSecret},
		"license":               {anyone, p.license},
	}
}

// resolveRoot serves a field of Query or Mutation, if the permission layer permits it.
func (p *Platform) resolveRoot(c *call, name string, args arguments) (any, error) {
	field := p.root[name]
	if !c.permits(p, field.rule, args) {
		return nil, notAuthorised()
	}
	return field.resolve(c, args)
}

func (p *Platform) license(c *call, _ arguments) (any, error) {
	return node{
		"licenseStatus": "valid", "licensedTo": "rime-sandbox",
		"startedAt": c.now.AddDate(-1, 0, 0).UTC().Format(time.RFC3339), "expiredAt": c.now.AddDate(1, 0, 0).UTC().Format(time.RFC3339),
	}, nil
}
