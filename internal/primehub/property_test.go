package primehub_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// chooser makes random images.
type chooser struct {
	*rand.Rand
	groups []primehub.GroupRef
}

func pick[T any](c *chooser, of ...T) T { return of[c.IntN(len(of))] }

func (c *chooser) tokens() []string {
	tokens := []string{}
	for range c.IntN(4) {
		tokens = append(tokens, pick(c, "numpy", "-c", "pytorch", "x=1.2", "y==2", "conda-forge::z"))
	}
	return tokens
}

func (c *chooser) some() []primehub.GroupRef {
	var some []primehub.GroupRef
	for _, group := range c.groups {
		if c.IntN(2) == 0 {
			some = append(some, group)
		}
	}
	return some
}

func (c *chooser) existing() *primehub.Existing {
	e := &primehub.Existing{URL: pick(c, "a/b:1", "a/b:2"), PullSecret: pick(c, "", "image-dockerhub")}
	e.URLForGPU = pick(c, e.URL, "a/b:gpu")
	return e
}

func (c *chooser) spec(name string) primehub.Spec {
	spec := primehub.Spec{
		Name: name, DisplayName: pick(c, "one", "two"), Description: pick(c, "", "a description"), Type: pick(c, primehub.TypeCPU, primehub.TypeGPU, primehub.TypeUniversal),
		Owner: pick(c, append(slices.Clone(c.groups), primehub.GroupRef{})...), Global: c.IntN(2) == 0, Groups: c.some(),
	}
	if c.IntN(2) == 0 {
		spec.Existing = c.existing()
		return spec
	}
	spec.Recipe = &primehub.Recipe{BaseImage: pick(c, "python:3.12", baseImage), PullSecret: pick(c, "", "image-internal"), Packages: primehub.Packages{
		Apt: c.tokens(), Conda: c.tokens(), Pip: c.tokens(),
	}}
	return spec
}

// check compares what was asked for with what is there. An address for GPUs counts for universal images only.
func check(t *testing.T, spec primehub.Spec, got primehub.Image) {
	t.Helper()
	same := got.DisplayName == spec.DisplayName && got.Description == spec.Description && got.Type == spec.Type && got.Group == spec.Owner.Name && got.Global == spec.Global
	if e := spec.Existing; e != nil {
		same = same && got.Build == nil && got.URL == e.URL && got.PullSecret == e.PullSecret
		same = same && (spec.Type == primehub.TypeUniversal && got.URLForGPU == e.URLForGPU || spec.Type != primehub.TypeUniversal && got.URLForGPU == e.URL)
	} else {
		same = same && got.Build != nil && got.Build.Same(*spec.Recipe) && got.Build.PullSecret == spec.Recipe.PullSecret
	}
	var want []string
	for _, group := range append(slices.Clone(spec.Groups), spec.Owner) {
		if group.Name != "" && !slices.Contains(want, group.Name) {
			want = append(want, group.Name)
		}
	}
	slices.Sort(want)
	if !same || !slices.Equal(groupNames(got), want) {
		t.Errorf("%+v\nis not what was asked for: %+v", got, spec)
	}
}

// TestProperty creates hundreds of random images, and changes each into another: what is read is always what was asked for.
func TestProperty(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		c := &chooser{Rand: rand.New(rand.NewPCG(5, 6))}
		for _, name := range []string{sandbox.GroupDataScience, sandbox.GroupDataScience2, sandbox.GroupResearch} {
			c.groups = append(c.groups, w.group(name))
		}
		for i := range 100 {
			spec := c.spec(fmt.Sprintf("image-%d", i))
			w.create(spec)
			before := w.get(spec.Name)
			check(t, spec, before)
			next := c.spec(spec.Name)
			next.Existing, next.Recipe = nil, spec.Recipe
			if spec.Existing != nil {
				next.Existing = c.existing()
			}
			update := primehub.Update{DisplayName: next.DisplayName, Description: next.Description, Type: next.Type, Group: next.Owner.Name, Existing: next.Existing, Global: &next.Global}
			wanted := append(slices.Clone(next.Groups), next.Owner)
			for _, group := range c.groups {
				if slices.Contains(wanted, group) {
					update.Connect = append(update.Connect, group.ID)
				} else {
					update.Disconnect = append(update.Disconnect, group.ID)
				}
			}
			if err := w.Update(t.Context(), spec.Name, update); err != nil {
				t.Fatal(err)
			}
			check(t, next, w.get(spec.Name))
			w.must(w.Remove(spec.Name)) // the platform lists all images for every look
		}
	})
}
