package primehub

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"time"
)

// Preload are images that are there from the beginning, ready to use: system images and images of groups, built and existing ones.
type Preload struct {
	// Images is how many there are.
	Images int
	// Pattern makes their names of their numbers, which begin with 0: "preloaded-%04d" if empty.
	Pattern string
	// Seed decides what is in them: the same seed, the same images.
	Seed uint64
}

// preload adds images. The lock must be held.
func (p *Platform) preload(o Preload) error {
	o.Pattern = cmp.Or(o.Pattern, "preloaded-%04d")
	random := rand.New(rand.NewPCG(o.Seed, o.Seed))
	for i := range o.Images {
		name := fmt.Sprintf(o.Pattern, i)
		if p.roles[name] {
			return fmt.Errorf("preload image %d: there are two with the name %q", i, name)
		}
		if err := p.preloadImage(name, i, random); err != nil {
			return fmt.Errorf("preload image %q: %w", name, err)
		}
	}
	return nil
}

func (p *Platform) preloadImage(name string, number int, random *rand.Rand) error {
	spec := document{
		"displayName": fmt.Sprintf("Preloaded %d", number), "description": "An image of the sandbox", "type": []string{"cpu", "gpu", typeBoth}[random.IntN(3)],
		"pullSecret": "", "url": fmt.Sprintf("registry.sandbox.invalid/notebooks/%s:1.%d", name, random.IntN(20)),
	}
	spec["urlForGpu"] = spec["url"]
	of := p.groups[random.IntN(len(p.groups))]
	if of.id != everyoneID {
		spec["groupName"] = of.Name
	}
	p.roles[name] = true
	of.images[name] = true
	img := &image{name: name, spec: spec}
	if random.IntN(2) == 0 {
		p.preloadBuild(img, random)
	}
	if !img.spec.valid() || !validName.MatchString(name) {
		return errInvalid
	}
	p.images[name] = img
	return nil
}

// preloadBuild makes an image one that the controller has built an hour ago.
func (p *Platform) preloadBuild(img *image, random *rand.Rand) {
	packages := []any{"numpy", "pandas", "scikit-learn", "xgboost", "torch", "scipy"}
	random.Shuffle(len(packages), func(i, j int) { packages[i], packages[j] = packages[j], packages[i] })
	build := document{
		"baseImage": "jupyter/base-notebook", "updateTime": p.updateTime(p.agenda.Now().Add(-time.Hour)),
		"packages": document{"pip": packages[:1+random.IntN(3)], "apt": []any{"vim"}},
	}
	img.spec["imageSpec"] = build
	j := &job{image: img, build: inputOf(build), updateTime: updateTimeOf(build), phase: phaseSucceeded, podName: "image-" + img.name + "-gone"}
	j.target = p.targetOf(img.name, j.build)
	j.started = j.updateTime
	p.jobs[img.name] = j
	p.history = append(p.history, j)
	img.condition = &condition{phaseSucceeded, j.target}
	for _, field := range []string{"url", "urlForGpu"} {
		img.spec[field] = j.target
	}
	img.spec["pullSecret"] = p.options.PushSecret
	img.spec.omitEmpty()
}
