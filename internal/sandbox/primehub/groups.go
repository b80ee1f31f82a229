package primehub

import "strings"

// me is the user who asks: null when Keycloak fails to find the user, for whatever reason.
func (p *Platform) me(c *call, _ arguments) (any, error) {
	if p.fails(Keycloak, ReadUsers) {
		return nil, nil //nolint:nilnil // null is a value
	}
	n := p.userNode(c.user)
	n["groups"] = lazy(func(arguments) (any, error) { return p.groupsOfUser(c, false), nil })
	n["effectiveGroups"] = lazy(func(arguments) (any, error) { return p.groupsOfUser(c, true), nil })
	return n, nil
}

func (p *Platform) userNode(u *user) node {
	return node{
		"id": u.id, "username": u.Username, "firstName": strings.ToUpper(u.Username[:1]) + u.Username[1:], "lastName": "Sandbox",
		"email": u.Username + "@sandbox.invalid", "isAdmin": u.Admin,
	}
}

// groupsOfUser are the groups of the caller: with everyone, or without, but with everyone's images in each. It is empty when a backend fails,
// and nobody says so (internal/primehub/CONTRACT.md §2.4): Kubernetes is asked, too, how many deployments each group has.
func (p *Platform) groupsOfUser(c *call, effective bool) []any {
	list := []any{}
	if p.fails(Keycloak, ReadGroups) || p.fails(Kubernetes, Read) {
		return list
	}
	for _, g := range p.groups {
		if !p.in(c.user, g) || effective && g.id == everyoneID {
			continue
		}
		n := p.groupNode(c, g)
		if effective {
			n["images"] = lazy(func(args arguments) (any, error) { return p.imagesOfGroups(c, args.text("mode"), g, p.everyone()) })
		}
		list = append(list, n)
	}
	return list
}

func (p *Platform) groupNode(c *call, g *group) node {
	return node{
		"id": g.id, "name": g.Name, "displayName": textOrNull(g.DisplayName), "admins": strings.Join(g.Admins, ","),
		"enabledDeployment": false, "enabledSharedVolume": false, "deploymentsUsage": 0, "resourceStatus": node{},
		"datasets": []any{}, "instanceTypes": []any{},
		"images": lazy(func(args arguments) (any, error) { return p.imagesOfGroups(c, args.text("mode"), g) }),
		"users": lazy(func(arguments) (any, error) {
			users := []any{}
			for _, u := range p.users {
				if p.in(u, g) {
					users = append(users, p.userNode(u))
				}
			}
			return users, nil
		}),
	}
}

// textOrNull is null for what is empty.
func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (p *Platform) groupNodes(c *call, groups []*group) []any {
	nodes := make([]any, len(groups))
	for i, g := range groups {
		nodes[i] = p.groupNode(c, g)
	}
	return nodes
}

// imagesOfGroups are the images whose roles are mapped to one of the groups. An image without its role is not among them.
func (p *Platform) imagesOfGroups(c *call, mode string, groups ...*group) (any, error) {
	all, err := p.listImages()
	if err != nil {
		return nil, unavailable()
	}
	nodes := []any{}
	for _, img := range all {
		for _, g := range groups {
			if g.images[img.name] && inMode(img, mode) {
				nodes = append(nodes, p.imageNode(c, img, img.spec))
				break
			}
		}
	}
	return nodes, nil
}

// group finds a group by its id: null if there is none, to those who may know.
func (p *Platform) group(c *call, args arguments) (any, error) {
	if p.fails(Keycloak, ReadGroups) {
		return nil, keycloakDown()
	}
	if g := p.groupByID(args.object("where").text("id")); g != nil {
		return p.groupNode(c, g), nil
	}
	return nil, nil //nolint:nilnil // null is a value
}

// groupPage lists all groups but everyone (internal/primehub/CONTRACT.md §3.1).
func (p *Platform) groupPage(c *call, args arguments) (page, error) {
	if p.fails(Keycloak, ReadGroups) {
		return page{}, keycloakDown()
	}
	where := args.object("where")
	if id := where.text("id"); id != "" { // it is fetched, whatever else is asked for, and even if it is everyone
		if g := p.groupByID(id); g != nil {
			return paged([]item{{row{"id": id}, p.groupNode(c, g)}}, args)
		}
		return paged(nil, args)
	}
	// The filter runs before the display names have been fetched, unless something else needs them as well.
	fetched := where.text("search") != "" || len(args.object("orderBy")) > 0
	var rows []item
	for _, g := range p.groups {
		r := row{"id": g.id, "name": g.Name}
		if fetched && g.DisplayName != "" {
			r["displayName"] = g.DisplayName
		}
		if g.id != everyoneID {
			rows = append(rows, item{r, p.groupNode(c, g)})
		}
	}
	return paged(matching(rows, where), args)
}

func (p *Platform) groupList(c *call, args arguments) (any, error) {
	found, err := p.groupPage(c, args)
	if err != nil {
		return nil, err
	}
	return found.nodes(), nil
}

func (p *Platform) groupsConnection(c *call, args arguments) (any, error) {
	found, err := p.groupPage(c, args)
	if err != nil {
		return nil, err
	}
	return found.connection(), nil
}
