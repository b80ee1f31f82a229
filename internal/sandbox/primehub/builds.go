package primehub

// Errors of builds say the same whatever went wrong (internal/primehub/CONTRACT.md §1.4).
func rebuildFailed() error { return refuse(codeInternal, "failed to rebuild image") }
func cancelFailed() error  { return refuse(codeInternal, "failed to cancel image build") }

// rebuildImage asks for another build (internal/primehub/CONTRACT.md §2.8), of any image and for anyone. The answer shows what was sent; what is stored in the end
// is what was there before, with what was sent merged into it.
func (p *Platform) rebuildImage(c *call, args arguments) (any, error) {
	img, err := p.getImage(args.object("where").text("id"))
	if err != nil {
		return nil, rebuildFailed()
	}
	spec := img.spec.clone()
	build := toDocument(args.object("data"))
	build["cancel"], build["updateTime"] = false, p.updateTime(c.now)
	spec["imageSpec"] = build
	spec = withPackageLists(spec)
	p.patchLater(img.name, spec)
	return p.imageNode(c, img, spec), nil
}

// cancelImageBuild asks the controller to end a build (internal/primehub/CONTRACT.md §2.9), whether there is one or not.
func (p *Platform) cancelImageBuild(c *call, args arguments) (any, error) {
	img, err := p.getImage(args.object("where").text("id"))
	if err != nil || img.imageSpec() == nil {
		return nil, cancelFailed()
	}
	spec := withPackageLists(img.spec)
	spec.object("imageSpec")["cancel"] = true
	p.patchLater(img.name, spec)
	return p.imageNode(c, img, spec), nil
}
