package primehub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
	sandbox "github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// TestGet_null shows that a null is confirmed before an image counts as gone.
func TestGet_null(t *testing.T) {
	t.Parallel()
	for _, edition := range []sandbox.Edition{sandbox.Enterprise, sandbox.Community} {
		inWorldOf(t, edition, func(t *testing.T, w *world) {
			w.create(existing("tf"))
			if _, err := w.Get(t.Context(), "nowhere"); !errors.Is(err, primehub.ErrNotFound) {
				t.Errorf("%v", err)
			}
			w.outages(sandbox.Outage{Backend: sandbox.Kubernetes})
			for _, err := range []error{second(w.Get(t.Context(), "tf")), second(w.Refresh(t.Context(), "tf", false)), second(w.Images(t.Context(), primehub.Filter{}))} {
				if got := failed[*primehub.APIError](t, err); got.Kind != primehub.KindUnavailable || !got.Transient() {
					t.Errorf("%v", err)
				}
				never(t, err, primehub.ErrNotFound)
			}
			// The reading alone fails for a moment: the image is listed, and asked for again.
			w.outages(sandbox.Outage{Backend: sandbox.Kubernetes, Verb: sandbox.Read, Times: 1})
			if got := w.get("tf"); got.Name != "tf" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestGet_inconsistent has a platform that lists an image and says null when asked for it, for good.
func TestGet_inconsistent(t *testing.T) {
	t.Parallel()
	client := answering(t, say(200, "", `{"data":{"image":null,"images":[{"id":"tf"}]}}`))
	_, err := client.Get(t.Context(), "tf")
	if got := failed[*primehub.APIError](t, err); !got.Transient() {
		t.Errorf("%v", err)
	}
	never(t, err, primehub.ErrNotFound)
	client = answering(t, say(200, "", `{"data":{"image":{"id":"other","name":"other"}}}`))
	if failed[*primehub.APIError](t, second(client.Get(t.Context(), "tf"))).Kind != primehub.KindBroken {
		t.Error("another image is taken")
	}
}

// TestGet_portal reads what a person has made in the portal, with all that it leaves behind.
func TestGet_portal(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		conda, pip, apt := "-c pytorch -c fastai fastai\n numpy ", "", "vim"
		name, err := w.AddFromPortal(sandbox.GroupDataScience, sandbox.PortalForm{
			DisplayName: "My Image 1", Type: "both", Build: &sandbox.PortalBuild{BaseImage: baseImage, Conda: &conda, Pip: &pip, Apt: &apt},
		})
		w.must(err)
		image := w.get(name)
		want := primehub.Packages{Apt: []string{"vim"}, Conda: []string{"-c", "pytorch", "-c", "fastai", "fastai", "numpy"}}
		if got := image.Build.Packages; !slices.Equal(got.Apt, want.Apt) || !slices.Equal(got.Conda, want.Conda) || len(got.Pip) != 0 || image.Type != primehub.TypeUniversal {
			t.Errorf("%+v", image)
		}
		// The empty text in its list of pip packages changes the hash of what is built.
		ref := image.Resume()
		ref.Begun = false
		if image, err = w.AwaitBuild(t.Context(), ref, nil); err != nil || !image.Ready {
			t.Errorf("%+v, %v", image, err)
		}
	})
}

func TestImages(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		for _, name := range []string{"zeta", "alpha"} {
			w.create(existing(name))
		}
		for name, owner := range map[string]string{"science": sandbox.GroupDataScience, "science-2": sandbox.GroupDataScience2} {
			spec := existing(name)
			spec.Owner, spec.Type = w.group(owner), primehub.TypeUniversal
			w.create(spec)
		}
		w.create(built("building", "numpy"))
		for name, test := range map[string]struct {
			filter primehub.Filter
			want   []string
		}{
			"all":              {primehub.Filter{}, []string{"alpha", "building", "science", "science-2", "zeta"}},
			"system":           {primehub.Filter{SystemOnly: true}, []string{"alpha", "building", "zeta"}},
			"group":            {primehub.Filter{Group: sandbox.GroupDataScience}, []string{"science"}},
			"type":             {primehub.Filter{Type: primehub.TypeUniversal}, []string{"science", "science-2"}},
			"ready":            {primehub.Filter{Ready: new(true), SystemOnly: true}, []string{"alpha", "zeta"}},
			"not ready":        {primehub.Filter{Ready: new(false)}, []string{"building"}},
			"search":           {primehub.Filter{Search: "ALPHA"}, []string{"alpha"}},
			"search universal": {primehub.Filter{Search: "Universal"}, []string{"science", "science-2"}},
			"search a part":    {primehub.Filter{Search: "vers"}, []string{"science", "science-2"}},
			"search both":      {primehub.Filter{Search: "both"}, []string{"science", "science-2"}},
			"nothing":          {primehub.Filter{Search: "alpha", Group: sandbox.GroupDataScience}, nil},
		} {
			images, err := w.Images(t.Context(), test.filter)
			if err != nil {
				t.Fatal(err)
			}
			names := make([]string, len(images))
			for i, image := range images {
				names[i] = image.Name
			}
			equal(t, name, names, test.want)
		}
		for _, token := range []string{sandbox.TokenMember, sandbox.TokenOutsider} {
			if images, err := w.as(token).Images(t.Context(), primehub.Filter{}); err != nil || len(images) != 5 {
				t.Errorf("%d images, %v", len(images), err)
			}
		}
	})
}

// TestRefresh_thousand reads a thousand images, ten at a time, with fifteen questions at most, and gets what single reads get.
func TestRefresh_thousand(t *testing.T) {
	t.Parallel()
	for _, withGroups := range []bool{false, true} {
		t.Run(fmt.Sprintf("groups %t", withGroups), func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{Preload: sandbox.Preload{Images: 1000, Seed: 7}}, func(t *testing.T, w *world) {
				got := map[string]primehub.Image{}
				var mu sync.Mutex
				var readers sync.WaitGroup
				names := make(chan string)
				for range 10 {
					readers.Go(func() {
						for name := range names {
							image, err := w.Refresh(t.Context(), name, withGroups)
							if err != nil {
								t.Error(err)
							}
							mu.Lock()
							got[name] = image
							mu.Unlock()
						}
					})
				}
				for _, name := range w.ImageNames() {
					names <- name
				}
				close(names)
				readers.Wait()
				if calls := len(w.Operations()); len(got) != 1000 || calls > 15 {
					t.Fatalf("%d images with %d calls", len(got), calls)
				}
				if calls := w.KeycloakCalls(); calls > 50 {
					t.Errorf("Keycloak was asked %d times", calls)
				}
				for _, name := range []string{"preloaded-0000", "preloaded-0123", "preloaded-0500", "preloaded-0999"} {
					want := w.get(name)
					if !withGroups {
						want.Groups = nil
					}
					if one := got[name]; fmt.Sprint(flat(one)) != fmt.Sprint(flat(want)) {
						t.Errorf("%+v, want %+v", one, want)
					}
				}
			})
		})
	}
}

// TestRefresh_slow refreshes a thousand images on a machine that takes more than four minutes for that, as one does that plans ten of them at a time beside other work: that costs no more
// questions.
func TestRefresh_slow(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Preload: sandbox.Preload{Images: 1000, Seed: 7}}, func(t *testing.T, w *world) {
		began := time.Now()
		for i, name := range w.ImageNames() {
			w.must(second(w.Refresh(t.Context(), name, true)))
			if i%10 == 0 {
				time.Sleep(2500 * time.Millisecond)
			}
		}
		if calls := len(w.Operations()); calls > 15 || time.Since(began) < 4*time.Minute {
			t.Errorf("%d calls in %s", calls, time.Since(began))
		}
	})
}

// flat is all of an image in a form that can be compared.
func flat(image primehub.Image) []any {
	build := image.Build
	image.Build = nil
	if build == nil {
		return []any{image}
	}
	return []any{image, *build}
}

// TestRefresh_member is of somebody who sees only the own groups.
func TestRefresh_member(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		for i := range 6 {
			spec := existing(fmt.Sprintf("tf-%d", i))
			spec.Owner, spec.Groups, spec.Global = w.group(sandbox.GroupDataScience), []primehub.GroupRef{w.group(sandbox.GroupDataScience2)}, i%2 == 0
			w.create(spec)
		}
		member := w.as(sandbox.TokenMember)
		for i := range 6 {
			image, err := member.Refresh(t.Context(), fmt.Sprintf("tf-%d", i), true)
			if err != nil || image.Global != (i%2 == 0) {
				t.Fatalf("%+v, %v", image, err)
			}
			// Read by itself or with others, it looks the same.
			equal(t, image.Name, groupNames(image), []string{sandbox.GroupDataScience})
		}
	})
}

// TestRefresh_notOneOfEveryone is of a caller from whose groups it cannot be learnt which images are global.
func TestRefresh_notOneOfEveryone(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Preload: sandbox.Preload{Images: 30, Seed: 3}}, func(t *testing.T, w *world) {
		w.faults(fault.Rule{Path: "/me$", Status: 200, JSON: json.RawMessage(`{"data":{"me":{"groups":[]}}}`)})
		for _, name := range w.ImageNames() {
			got, err := w.Refresh(t.Context(), name, false)
			if want := w.get(name); err != nil || got.Global != want.Global {
				t.Errorf("%+v, %v", got, err)
			}
		}
		if calls := w.CountOperations("images"); calls != 1 {
			t.Errorf("%d lists", calls)
		}
	})
}

// TestRefresh_misses shows that only the platform's own word makes an image missing, and that what is written ends the list.
func TestRefresh_misses(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Preload: sandbox.Preload{Images: 20}}, func(t *testing.T, w *world) {
		refresh := func(name string) error { return second(w.Refresh(t.Context(), name, false)) }
		for i := range 10 {
			w.must(refresh(fmt.Sprintf("preloaded-%04d", i)))
		}
		if err := refresh("nowhere"); !errors.Is(err, primehub.ErrNotFound) {
			t.Errorf("%v", err)
		}
		// One that came after the list.
		_, err := w.Do(sandbox.UserAdmin, `mutation{createImage(data:{name:"late",url:"x"}){id}}`, nil)
		w.must(err)
		w.must(refresh("late"))
		// Asked for twice, it is not taken from the list twice.
		w.must(w.Remove("preloaded-0005"))
		if err := refresh("preloaded-0005"); !errors.Is(err, primehub.ErrNotFound) {
			t.Errorf("%v", err)
		}
		// What we write is seen at once.
		if err := w.Update(t.Context(), "preloaded-0015", primehub.Update{DisplayName: "New", Type: primehub.TypeCPU}); err != nil {
			t.Fatal(err)
		}
		if image, err := w.Refresh(t.Context(), "preloaded-0015", false); err != nil || image.DisplayName != "New" {
			t.Errorf("%+v, %v", image, err)
		}
		// A list gets old.
		for i := range 5 {
			w.must(refresh(fmt.Sprintf("preloaded-%04d", 10+i)))
		}
		w.must(w.Remove("preloaded-0019"))
		time.Sleep(primehub.ListLifetime + time.Millisecond)
		if err := refresh("preloaded-0019"); !errors.Is(err, primehub.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

// TestRefresh_listFails shows that the reads go on one by one, and say themselves what is wrong.
func TestRefresh_listFails(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Preload: sandbox.Preload{Images: 8}}, func(t *testing.T, w *world) {
		w.faults(fault.Rule{Path: "/images$", Status: http.StatusForbidden})
		for i := range 8 {
			w.must(second(w.Refresh(t.Context(), fmt.Sprintf("preloaded-%04d", i), true)))
		}
		w.faults()
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("interrupted")
		cancel(why)
		if _, err := w.Refresh(ctx, "preloaded-0001", true); !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
	})
}

func TestMe(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		dana := w.as(sandbox.TokenGroupAdmin)
		account, err := dana.Me(t.Context())
		if err != nil || account.Username != sandbox.UserGroupAdmin || account.Admin || len(account.Groups) != 2 {
			t.Fatalf("%+v, %v", account, err)
		}
		for name, administers := range map[string]bool{sandbox.GroupDataScience: true, sandbox.GroupResearch: false} {
			group, err := dana.Group(t.Context(), name)
			if err != nil || account.Administers(group) != administers {
				t.Errorf("%+v, %v", group, err)
			}
		}
		if w.CountOperations("me") != 1 {
			t.Errorf("asked %d times", w.CountOperations("me"))
		}
		for _, token := range []string{"nobody's", sandbox.TokenAdmin + "x"} {
			_, err := w.as(token).Me(t.Context())
			if failed[*primehub.APIError](t, err).Kind != primehub.KindUnauthenticated {
				t.Errorf("%v", err)
			}
			silent(t, err, token)
		}
	})
}

func TestGroup(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		// An administrator sees groups without belonging to them, and names that contain the one asked for do not matter.
		for _, name := range []string{sandbox.GroupDataScience, sandbox.GroupDataScience2, sandbox.GroupResearch} {
			if group, err := w.Group(t.Context(), name); err != nil || group.Name != name || group.ID == "" || group.DisplayName == "" {
				t.Errorf("%+v, %v", group, err)
			}
		}
		if groups, err := w.Groups(t.Context()); err != nil || len(groups) != 3 {
			t.Errorf("%+v, %v", groups, err)
		}
		_, err := w.Group(t.Context(), "data")
		all := []string{sandbox.GroupDataScience, sandbox.GroupDataScience2, sandbox.GroupResearch}
		if missing := failed[*primehub.GroupNotFoundError](t, err); !errors.Is(err, primehub.ErrNotFound) || !missing.Certain() || !slices.Equal(missing.Visible, all) {
			t.Errorf("%v", err)
		}
		member := w.as(sandbox.TokenMember)
		if groups, err := member.Groups(t.Context()); err != nil || len(groups) != 1 {
			t.Errorf("%+v, %v", groups, err)
		}
		_, err = member.Group(t.Context(), sandbox.GroupResearch)
		if missing := failed[*primehub.GroupNotFoundError](t, err); errors.Is(err, primehub.ErrNotFound) || !slices.Equal(missing.Visible, []string{sandbox.GroupDataScience}) {
			t.Errorf("%v", err)
		}
		// One that the account is put into meanwhile.
		w.must(w.SetUserGroups(sandbox.UserMember, sandbox.GroupDataScience, sandbox.GroupResearch))
		if group, err := member.Group(t.Context(), sandbox.GroupResearch); err != nil || group.Name != sandbox.GroupResearch {
			t.Errorf("%+v, %v", group, err)
		}
		_, err = w.as(sandbox.TokenOutsider).Group(t.Context(), sandbox.GroupResearch)
		if missing := failed[*primehub.GroupNotFoundError](t, err); missing.Certain() || !strings.HasSuffix(err.Error(), "the platform names none") {
			t.Error(err)
		}
	})
}

// TestSeesGroup looks for many groups with one question, notices one that comes to be there later, and asks a platform that is down once.
func TestSeesGroup(t *testing.T) {
	t.Parallel()
	for token, asks := range map[string]string{sandbox.TokenAdmin: "groups", sandbox.TokenGroupAdmin: "me"} {
		inWorld(t, sandbox.Options{NoTokenCache: true}, func(t *testing.T, w *world) {
			client, unlucky := w.as(token), w.as(token)
			for range 20 {
				if err := client.SeesGroup(t.Context(), sandbox.GroupResearch); err != nil {
					t.Error(err)
				}
			}
			if asked := w.CountOperations(asks); asked != 1 {
				t.Errorf("%d questions", asked)
			}
			wants[*primehub.GroupNotFoundError](t, client.SeesGroup(t.Context(), "later"))
			w.must(w.AddGroup(sandbox.Group{Name: "later"}))
			w.must(w.SetUserGroups(sandbox.UserGroupAdmin, sandbox.GroupDataScience, sandbox.GroupResearch, "later"))
			if err := client.SeesGroup(t.Context(), "later"); err != nil {
				t.Error(err)
			}
			w.outages(sandbox.Outage{Backend: sandbox.Keycloak, Verb: sandbox.Authenticate})
			for range 2 {
				wants[*primehub.APIError](t, unlucky.SeesGroup(t.Context(), sandbox.GroupResearch))
				w.outages()
			}
		})
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		for _, token := range []string{sandbox.TokenAdmin, sandbox.TokenMember, sandbox.TokenOutsider} {
			client := w.as(token)
			for _, text := range []string{"dockerhub", "image-dockerhub"} {
				if secret, err := client.Secret(t.Context(), text); err != nil || secret != (primehub.Secret{ID: "image-dockerhub", Name: "dockerhub"}) {
					t.Errorf("%+v, %v", secret, err)
				}
			}
			if secrets, err := client.Secrets(t.Context()); err != nil || len(secrets) != 2 {
				t.Errorf("%+v, %v", secrets, err)
			}
			for _, text := range []string{"", "deploy-key", "image-", "gitsync-secret-deploy-key"} {
				if _, err := client.Secret(t.Context(), text); !errors.Is(err, primehub.ErrNotFound) {
					t.Errorf("%q: %v", text, err)
				}
			}
		}
	})
}

func TestLog(t *testing.T) {
	t.Parallel()
	// The platform believes that it is somewhere else: neither the question nor the token goes there.
	inWorld(t, sandbox.Options{Host: "https://elsewhere.test"}, func(t *testing.T, w *world) {
		image := w.ready(built("churn", "numpy"))
		if !strings.HasPrefix(image.LogURL, "https://elsewhere.test/") {
			t.Fatal(image.LogURL)
		}
		lines, err := w.Log(t.Context(), image, 5)
		if err != nil || len(lines) != 5 || lines[4] != "[Completed]" {
			t.Errorf("%q, %v", lines, err)
		}
		if _, err := w.Log(t.Context(), primehub.Image{Name: "churn"}, 5); err != nil {
			t.Error(err)
		}
		w.create(existing("tf"))
		for kind, err := range map[primehub.Kind]error{
			primehub.KindNotFound:        second(w.Log(t.Context(), primehub.Image{Name: "tf"}, 5)),
			primehub.KindForbidden:       second(w.as(sandbox.TokenMember).Log(t.Context(), image, 5)),
			primehub.KindUnauthenticated: second(w.as("nobody's").Log(t.Context(), image, 5)),
		} {
			if got := failed[*primehub.APIError](t, err); got.Kind != kind && kind != primehub.KindUnauthenticated {
				t.Errorf("%s: %v", kind, err)
			}
		}
		w.must(w.RemovePod("churn"))
		_, err = w.Log(t.Context(), image, 5)
		if got := failed[*primehub.APIError](t, err); got.StatusCode != http.StatusNotFound || !strings.HasPrefix(got.Message, "pods ") {
			t.Errorf("%v", err)
		}
	})
}

// TestLog_bounds has a log with everything that a terminal would swallow.
func TestLog_bounds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "https://primehub.test/api/logs/images/churn/job?follow=false&tailLines=3" || r.Header.Get("Accept") != "text/plain" {
			t.Errorf("%s, %s", r.URL, r.Header.Get("Accept"))
		}
		say(200, "text/plain", "one\n10%\r50%\r100%\r\n\x1b[31mred\x1b[0m s3cret\n\n"+long+"\n")(w, r)
	})
	lines, err := client.Log(t.Context(), primehub.Image{Name: "churn", LogURL: "https://evil.test/../x"}, 3)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "lines", lines, []string{"100%", "[31mred[0m [API token]", long[:400] + "…"})
	if _, err := client.Log(t.Context(), primehub.Image{}, 3); err == nil {
		t.Error("an image without a name has a log")
	}
}
