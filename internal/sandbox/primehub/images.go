package primehub

// The phases of a build (internal/primehub/CONTRACT.md §4.3).
const (
	phaseNone      = ""
	phasePending   = "Pending"
	phaseRunning   = "Running"
	phaseUnknown   = "Unknown"
	phaseSucceeded = "Succeeded"
	phaseFailed    = "Failed"
	phaseCancelled = "Cancelled"
)

// modeAll and its likes are the values of QueryImageMode.
const (
	modeSystemOnly = "SYSTEM_ONLY"
	modeGroupOnly  = "GROUP_ONLY"
)

// logPath is where the log of an image's build is.
func logPath(id string) string { return "/api/logs/images/" + id + "/job" }

// imageNode is how an image is shown (internal/primehub/CONTRACT.md §2.2), with this specification: mutations answer from memory.
func (p *Platform) imageNode(c *call, img *image, spec document) node {
	n := node{
		"id": img.name, "name": img.name, "displayName": firstText(spec.text("displayName"), img.name),
		"description": spec["description"], "type": spec["type"], "url": spec["url"], "urlForGpu": spec["urlForGpu"],
		"groupName": spec["groupName"], "useImagePullSecret": spec["pullSecret"],
		"isReady": spec.text("url") != "", "logEndpoint": c.host + logPath(img.name),
		"spec":      lazy(func(arguments) (any, error) { return withPackageLists(spec), nil }),
		"imageSpec": lazy(func(arguments) (any, error) { return imageSpecNode(spec), nil }),
		"global":    lazy(func(arguments) (any, error) { return p.isGlobal(img.name) }),
		"groups": lazy(func(arguments) (any, error) {
			groups, err := p.groupsOfImage(img.name)
			return p.groupNodes(c, groups), err
		}),
	}
	if img.condition != nil {
		n["jobStatus"] = node{"phase": img.condition.phase, "image": img.condition.image}
	}
	return n
}

// imageSpecNode is what an image is built of: null if it is not built.
func imageSpecNode(spec document) any {
	build := withPackageLists(spec).object("imageSpec")
	if build == nil {
		return nil
	}
	n := node{"baseImage": build["baseImage"], "pullSecret": build["pullSecret"], "cancel": build["cancel"], "updateTime": build["updateTime"]}
	if lists := build.object("packages"); lists != nil {
		n["packages"] = node(lists)
	}
	return n
}

// withPackageLists is a specification in which there are all three lists of packages if there is any.
func withPackageLists(spec document) document {
	shown := spec.clone()
	if packages := shown.object("imageSpec").object("packages"); packages != nil {
		for _, kind := range packageKinds {
			if packages[kind] == nil {
				packages[kind] = []any{}
			}
		}
	}
	return shown
}

// image finds an image, and swallows every error: whatever went wrong, the answer is null.
func (p *Platform) image(c *call, args arguments) (any, error) {
	img, err := p.getImage(args.object("where").text("id"))
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // as the server does
	}
	return p.imageNode(c, img, img.spec), nil
}

// imagesOf lists the images of a mode that a filter lets pass.
func (p *Platform) imagesOf(c *call, mode string, where arguments) ([]item, error) {
	all, err := p.listImages()
	if err != nil {
		return nil, unavailable()
	}
	rows := make([]item, 0, len(all))
	for _, img := range all {
		if inMode(img, mode) {
			rows = append(rows, item{imageRow(img), p.imageNode(c, img, img.spec)})
		}
	}
	return matching(rows, where), nil
}

func inMode(img *image, mode string) bool {
	system := img.spec.text("groupName") == ""
	return mode != modeSystemOnly && mode != modeGroupOnly || system == (mode == modeSystemOnly)
}

// imageRow is what filters and orders look at.
func imageRow(img *image) row {
	r := row{"id": img.name, "name": img.name, "displayName": img.name}
	for _, field := range []string{"displayName", "description", "type", "groupName"} {
		if text, is := img.spec[field].(string); is && (text != "" || field != "displayName") {
			r[field] = text
		}
	}
	return r
}

// imagePage are images, ordered and cut as the arguments ask.
func (p *Platform) imagePage(c *call, args arguments, mode string) (page, error) {
	rows, err := p.imagesOf(c, mode, args.object("where"))
	if err != nil {
		return page{}, err
	}
	return paged(rows, args)
}

func (p *Platform) imageList(c *call, args arguments) (any, error) {
	found, err := p.imagePage(c, args, args.text("mode"))
	if err != nil {
		return nil, err
	}
	return found.nodes(), nil
}

func (p *Platform) imagesConnection(c *call, args arguments) (any, error) {
	found, err := p.imagePage(c, args, args.text("mode"))
	if err != nil {
		return nil, err
	}
	return found.connection(), nil
}

// groupImagesConnection lists group images, to the administrators of the group that is asked for by its exact name (internal/primehub/CONTRACT.md §2.4).
func (p *Platform) groupImagesConnection(c *call, args arguments) (any, error) {
	if args["where"] == nil {
		return nil, typeError("Cannot read properties of undefined (reading 'groupName_contains')")
	}
	name := args.object("where").text("groupName_contains")
	if name == "" || !c.admin() && !p.administers(c.caller, name) {
		return nil, notAuthorise()
	}
	found, err := p.imagePage(c, args, modeGroupOnly)
	if err != nil {
		return nil, err
	}
	return found.connection(), nil
}
