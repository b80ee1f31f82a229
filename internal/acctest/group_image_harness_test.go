package acctest_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/acctest"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// hubBuildTime is long enough for a poller that looks each second to see a build at work.
const hubBuildTime = 2500 * time.Millisecond

// hubBench is a workspace on a stand-in of a PrimeHub platform.
type hubBench struct {
	*acctest.Workspace
	t   *testing.T
	hub *primehub.Server
}

// newHubBench starts a platform for the test and makes a workspace for the owner of that API token on it, with this configuration.
func newHubBench(t *testing.T, o primehub.Options, token, config string) *hubBench {
	t.Helper()
	if o.BuildTime == 0 {
		o.BuildTime = hubBuildTime
	}
	server, err := primehub.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	b := &hubBench{acctest.NewWorkspace(t), t, server}
	b.Env["HOME"] = t.TempDir() // without a settings file of PrimeHub's SDK
	b.as(token)
	b.Write("main.tf", config)
	return b
}

// hubSlowBuild is longer than any test.
const hubSlowBuild = time.Hour

// slowHub is a bench whose builds end only when the clock of its platform is put forward by hubSlowBuild, or when they are cancelled. The platform notices everything soon.
func slowHub(t *testing.T, config string) (*hubBench, *clock) {
	t.Helper()
	var c clock
	return newHubBench(t, primehub.Options{
		Clock: c.now, BuildTime: hubSlowBuild, FirstLook: 20 * time.Millisecond, NextLook: 50 * time.Millisecond, Reaction: 10 * time.Millisecond, WriteDelay: 20 * time.Millisecond,
	}, primehub.TokenGroupAdmin, config), &c
}

// building is how many images are being built.
func (b *hubBench) building() (n int) {
	for _, name := range b.hub.ImageNames() {
		builds := b.hub.Builds(name)
		if len(builds) == 0 {
			continue
		}
		if last := builds[len(builds)-1]; !last.Deleted && (last.Phase == "Pending" || last.Phase == "Running") {
			n++
		}
	}
	return n
}

// startBuilding starts an apply, and returns once that many images are being built, and it has seen that.
func (b *hubBench) startBuilding(images int, plan ...string) *acctest.Process {
	b.t.Helper()
	p := b.Start(append([]string{"apply", "-auto-approve"}, plan...)...)
	acctest.Eventually(b.t, "the builds", func() bool { return p.Ended() || b.building() == images })
	seen := b.count("image") + 2*images // one look of each may be under way
	acctest.Eventually(b.t, "the wait for the builds", func() bool { return p.Ended() || b.count("image") > seen })
	if p.Ended() {
		b.t.Fatalf("the apply has ended:\n%s", p.Output())
	}
	return p
}

// ends puts the clock forward, so that a command which waits for builds can end, and expects that it ends well.
func (b *hubBench) ends(p *acctest.Process, c *clock) {
	b.t.Helper()
	c.forward(hubSlowBuild)
	if r := p.Wait(); r.ExitCode != 0 {
		b.t.Errorf("exit status %d\n%s", r.ExitCode, r.Output)
	}
}

// as configures the provider for the owner of another API token.
func (b *hubBench) as(token string) {
	b.t.Helper()
	b.Write("provider.tf", fmt.Sprintf(`
terraform {
  required_providers {
    rime = { source = "managed-images/rime" }
  }
}

provider "rime" {
  primehub = { endpoint = %q, api_token = %q }
  http     = { max_retries = 1 }
}
`, b.hub.Endpoint(), token))
}

// must fails the test for an error of something done behind the provider's back.
func (b *hubBench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// image is an image as the platform shows it to an administrator.
func (b *hubBench) image(name string) map[string]any {
	b.t.Helper()
	data, err := b.hub.Do(primehub.UserAdmin, `query ($where: ImageWhereUniqueInput!) { image(where: $where) {
		id displayName description type url urlForGpu groupName global useImagePullSecret isReady groups { name }
		jobStatus { phase image } imageSpec { baseImage pullSecret cancel packages { apt pip conda } } } }`,
		map[string]any{"where": map[string]any{"id": name}})
	b.must(err)
	image, _ := data["image"].(map[string]any)
	if image == nil {
		b.t.Fatalf("the platform has no image %q", name)
	}
	return image
}

// expectImage expects these fields of an image on the platform.
func (b *hubBench) expectImage(name string, want map[string]any) {
	b.t.Helper()
	image := b.image(name)
	for field, value := range want {
		if !sameJSON(b.t, image[field], value) {
			b.t.Errorf("%s of image %q is %s, want %s", field, name, asJSON(b.t, image[field]), asJSON(b.t, value))
		}
	}
}

// edit changes an image as an administrator does with the API, all of what the document says and nothing else.
func (b *hubBench) edit(name string, data map[string]any) {
	b.t.Helper()
	_, err := b.hub.Do(primehub.UserAdmin, `mutation ($where: ImageWhereUniqueInput!, $data: ImageUpdateInput!) { updateImage(where: $where, data: $data) { id } }`,
		map[string]any{"where": map[string]any{"id": name}, "data": data})
	b.must(err)
}

// count is how many requests for that root field were made.
func (b *hubBench) count(field string) int { return b.hub.Count("POST", "/"+field) }

// values expects these attributes of a resource in the state file.
func (b *hubBench) values(name string, want map[string]any) {
	b.t.Helper()
	for attribute, value := range want {
		if got := b.attribute(name, attribute); !sameJSON(b.t, got, value) {
			b.t.Errorf("rime_group_image.%s: %s is %s, want %s", name, attribute, asJSON(b.t, got), asJSON(b.t, value))
		}
	}
}

// attribute is an attribute of a resource from the state file.
func (b *hubBench) attribute(name, attribute string) any {
	b.t.Helper()
	resource, found := b.GroupImage(name)
	if !found {
		b.t.Fatalf("rime_group_image.%s is not in the state", name)
	}
	return resource.Attributes[attribute]
}

// name is the name of the image of a resource.
func (b *hubBench) name(resource string) string {
	b.t.Helper()
	name, _ := b.attribute(resource, "name").(string)
	return name
}

// expectNothingLeft destroys everything, and expects neither images nor roles afterwards.
func (b *hubBench) expectNothingLeft() {
	b.t.Helper()
	b.Destroy()
	if images, roles := b.hub.ImageNames(), b.hub.Roles(); len(images)+len(roles) > 0 {
		b.t.Errorf("left behind: images %q, roles %q", images, roles)
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
