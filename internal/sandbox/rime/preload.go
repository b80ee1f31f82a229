package rime

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Preload are images that are there from the beginning, ready to use.
type Preload struct {
	// Images is how many there are.
	Images int
	// Pattern makes their names of their numbers, which begin with 0: "preloaded-%04d" if empty.
	Pattern string
	// Seed decides what is in them: the same seed, the same images.
	Seed uint64
}

// preload adds ready images. The lock must be held.
func (p *Platform) preload(o Preload) error {
	o.Pattern = cmp.Or(o.Pattern, "preloaded-%04d")
	random := rand.New(rand.NewPCG(o.Seed, o.Seed))
	for i := range o.Images {
		in := p.randomInputs(random)
		if err := p.addReady(fmt.Sprintf(o.Pattern, i), in); err != nil {
			return fmt.Errorf("preload image %d: %w", i, err)
		}
	}
	return nil
}

// addReady adds an image as it is after its build.
func (p *Platform) addReady(name string, in inputs) error {
	if err := p.checkName(name); err != nil {
		return err
	}
	if err := p.checkInputs(in); err != nil {
		return err
	}
	if _, taken := p.images[name]; taken {
		return fmt.Errorf("an image with the name %q already exists", name)
	}
	p.add(&image{
		inputs: in, name: name, role: roleUserDefined, status: imageReady, parent: p.images[systemImageName(in.python)],
		libraries: installed(in, p.version),
	})
	return nil
}

// randomInputs asks for a few libraries, some of them in a fixed version.
func (p *Platform) randomInputs(random *rand.Rand) inputs {
	names := []string{"catboost", "joblib", "pandas", "scikit-learn", "scipy", "tensorflow", "torch", "xgboost"}
	in := inputs{python: p.options.PythonVersions[random.IntN(len(p.options.PythonVersions))]}
	for _, i := range slices.Sorted(slices.Values(random.Perm(len(names))[:1+random.IntN(3)])) {
		r := pipRequirement{Name: names[i]}
		switch random.IntN(3) {
		case 0:
			r.VersionSpecifier = "==" + catalogue[r.Name].version
		case 1:
			major, _, _ := strings.Cut(catalogue[r.Name].version, ".")
			r.VersionSpecifier = ">=" + major
		}
		in.pip = append(in.pip, r)
	}
	if random.IntN(4) == 0 {
		in.packages = []packageRequirement{{Name: "vim", PackageType: p.options.PackageTypes[0]}}
	}
	return in
}
