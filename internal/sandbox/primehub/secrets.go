package primehub

import (
	"cmp"
	"slices"
	"strings"
)

// maskedPassword is what passwords are shown as.
const maskedPassword = "******"

func secretNode(s *Secret) node {
	n := node{"id": s.id(), "name": s.Name, "displayName": cmp.Or(s.DisplayName, s.Name), "type": "kubernetes"}
	if s.Opaque {
		n["type"] = "opaque"
		n["secret"] = maskedPassword
		return n
	}
	n["registryHost"], n["username"], n["password"] = s.RegistryHost, s.Username, maskedPassword
	return n
}

// findSecret finds any secret of the namespace, also that which images are pushed with.
func (p *Platform) findSecret(id string) (*Secret, node) {
	if i := slices.IndexFunc(p.secrets, func(s *Secret) bool { return s.id() == id }); i >= 0 {
		return p.secrets[i], secretNode(p.secrets[i])
	}
	if id == p.options.PushSecret && !p.options.BuilderUnconfigured {
		return nil, node{"id": id, "name": strings.Replace(id, pullSecretPrefix, "", 1), "type": "kubernetes", "registryHost": "registry.sandbox.invalid", "username": "push", "password": maskedPassword}
	}
	return nil, nil
}

// secret finds a secret, and swallows every error. The field must not be null, and so a secret that is missing is an error after all.
func (p *Platform) secret(_ *call, args arguments) (any, error) {
	if p.fails(Kubernetes, Read) {
		return nil, nil //nolint:nilnil // null is a value
	}
	if _, n := p.findSecret(args.object("where").text("id")); n != nil {
		return n, nil
	}
	return nil, nil //nolint:nilnil // null is a value
}

// secretPage lists secrets. A search looks at their names only (internal/primehub/CONTRACT.md §3.2).
func (p *Platform) secretPage(args arguments) (page, error) {
	if p.fails(Kubernetes, Read) {
		return page{}, unavailable()
	}
	where := args.object("where")
	var rows []item
	for _, s := range p.secrets {
		r := row{"id": s.id(), "name": s.Name}
		if where["ifDockerConfigJson"] != true || !s.Opaque {
			rows = append(rows, item{r, secretNode(s)})
		}
	}
	rows = matching(rows, where)
	slices.SortFunc(rows, func(a, b item) int { return cmp.Compare(a.row["id"], b.row["id"]) })
	return paged(rows, args)
}

func (p *Platform) secretList(_ *call, args arguments) (any, error) {
	found, err := p.secretPage(args)
	if err != nil {
		return nil, err
	}
	return found.nodes(), nil
}

func (p *Platform) secretsConnection(_ *call, args arguments) (any, error) {
	found, err := p.secretPage(args)
	if err != nil {
		return nil, err
	}
	return found.connection(), nil
}

func (p *Platform) createSecret(_ *call, args arguments) (any, error) {
	data := args.object("data")
	s := &Secret{Name: data.text("name"), Opaque: data.text("type") == "opaque"}
	if _, exists := p.findSecret(s.id()); exists != nil || p.fails(Kubernetes, Create) {
		return nil, requestFailed()
	}
	s.set(data)
	p.addSecret(s)
	return secretNode(s), nil
}

// addSecret adds a secret, for which builds may have waited.
func (p *Platform) addSecret(s *Secret) {
	p.secrets = append(p.secrets, s)
	for _, j := range p.jobs {
		if j.pullSecret == s.id() {
			p.agenda.Plan(p.agenda.Now().Add(p.options.FirstLook), p.podStarter(j))
		}
	}
}

func (s *Secret) set(data arguments) {
	for field, to := range map[string]*string{
		"displayName": &s.DisplayName, "registryHost": &s.RegistryHost, "username": &s.Username, "password": &s.Password,
	} {
		if data.given(field) {
			*to = data.text(field)
		}
	}
}

func (p *Platform) updateSecret(_ *call, args arguments) (any, error) {
	id := args.object("where").text("id")
	s, _ := p.findSecret(id)
	switch {
	case s == nil:
		return nil, p.notFound("secrets", id)
	case p.fails(Kubernetes, Patch):
		return nil, requestFailed()
	}
	s.set(args.object("data"))
	return secretNode(s), nil
}

func (p *Platform) deleteSecret(_ *call, args arguments) (any, error) {
	id := args.object("where").text("id")
	s, _ := p.findSecret(id)
	switch {
	case s == nil:
		return nil, p.notFound("secrets", id)
	case p.fails(Kubernetes, Delete):
		return nil, requestFailed()
	}
	p.secrets = slices.DeleteFunc(p.secrets, func(other *Secret) bool { return other == s })
	return node{"id": id, "name": id}, nil
}
