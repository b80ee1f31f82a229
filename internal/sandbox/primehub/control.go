package primehub

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// What follows is what a client of the API cannot do: another person, an operator of the platform, or a test behind the client's back.

// Do executes a GraphQL document as a user does in the UI, by user name. It passes no gate and is not recorded. Errors of the answer are errors.
func (p *Platform) Do(username, document string, variables map[string]any) (map[string]any, error) {
	sent, err := json.Marshal(variables)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.agenda.CatchUp()
	u := p.userNamed(username)
	if u == nil {
		return nil, fmt.Errorf("no user is called %q", username)
	}
	c := &call{caller: caller{u}, now: now, host: p.options.Host, unseen: true, verdicts: map[string]bool{}}
	_, answer := p.execute(c, newRequest(document, sent, ""), http.MethodPost)
	for _, told := range answer.errors {
		err = errors.Join(err, errors.New(told.Message+" ("+told.Extensions.Code+")"))
	}
	if err != nil {
		return nil, err
	}
	var data map[string]any
	err = json.Unmarshal(appendJSON(nil, answer.data), &data)
	return data, err
}

func (p *Platform) userNamed(name string) *user {
	if i := slices.IndexFunc(p.users, func(u *user) bool { return u.Username == name }); i >= 0 {
		return p.users[i]
	}
	return nil
}

// do does something to the platform as it is now.
func (p *Platform) do(what func(now time.Time) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return what(p.agenda.CatchUp())
}

// change does something to an image.
func (p *Platform) change(name string, what func(img *image, now time.Time) error) error {
	return p.do(func(now time.Time) error {
		img, found := p.images[name]
		if !found {
			return fmt.Errorf("no image is called %q", name)
		}
		return what(img, now)
	})
}

// Remove deletes an image as an operator of Kubernetes does. The watcher deletes its role.
func (p *Platform) Remove(name string) error {
	return p.change(name, func(img *image, now time.Time) error {
		p.forget(img, now)
		if p.options.WatcherDelay == 0 {
			p.removeRole(name)
		}
		return nil
	})
}

// EditResource applies a merge patch to the specification of an image as an operator of Kubernetes does, in the words of the resource:
// the field of the pull secret is pullSecret.
func (p *Platform) EditResource(name string, patch map[string]any) error {
	return p.change(name, func(*image, time.Time) error { return p.patchResource(name, toDocument(fromJSONObject(patch))) })
}

// fromJSONObject turns decoded JSON into input objects.
func fromJSONObject(object map[string]any) arguments {
	args := arguments{}
	for key, value := range object {
		if inner, ok := value.(map[string]any); ok {
			value = fromJSONObject(inner)
		}
		args[key] = value
	}
	return args
}

// SetPhase makes the phase of an image any text, until the controller writes it again.
func (p *Platform) SetPhase(name, phase string) error {
	return p.change(name, func(img *image, _ time.Time) error {
		img.condition = &condition{phase, img.builtImage()}
		return nil
	})
}

// RemovePod removes the pod of an image's build, and its log with it. The controller starts another if the build has failed (internal/primehub/CONTRACT.md §4.4).
func (p *Platform) RemovePod(name string) error {
	return p.change(name, func(img *image, now time.Time) error {
		j := p.jobs[img.name]
		if j == nil || j.pod == nil {
			return fmt.Errorf("the image %q has no pod", name)
		}
		j.pod = nil
		if j.phase != phaseSucceeded {
			p.agenda.Plan(now.Add(p.options.NextLook), p.podStarter(j))
		}
		return nil
	})
}

// AddRole makes the role of an image in Keycloak, as a create leaves it behind whose next step has failed.
func (p *Platform) AddRole(name string) error {
	return p.do(func(time.Time) error {
		p.roles[name] = true
		return nil
	})
}

// RemoveRole deletes the role of an image, and who may use it is forgotten. The watcher makes a new one when it next lists all images.
func (p *Platform) RemoveRole(name string) error {
	return p.do(func(now time.Time) error {
		if !p.roles[name] {
			return fmt.Errorf("no image %q has a role", name)
		}
		p.removeRole(name)
		p.relist(name, now)
		return nil
	})
}

// Roles are the names of the images that have a role, whether there is such an image or not.
func (p *Platform) Roles() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agenda.CatchUp()
	return slices.Sorted(maps.Keys(p.roles))
}

// ImageNames are the names of all images, in alphabetical order.
func (p *Platform) ImageNames() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.agenda.CatchUp()
	return slices.Sorted(maps.Keys(p.images))
}

// Fail makes the builds fail from now on that install a package or begin with a base image of that name; the empty failure lets them succeed again.
func (p *Platform) Fail(name string, failure Failure) error {
	return p.do(func(time.Time) error {
		switch {
		case failure == "":
			delete(p.failures, normalName(name))
		case !slices.Contains(Failures(), failure):
			return fmt.Errorf("no failure is called %q; there are %q", failure, Failures())
		default:
			p.failures[normalName(name)] = failure
		}
		return nil
	})
}

// SetBuildTime changes how long the builds take that begin from now on. The controller's times stay.
func (p *Platform) SetBuildTime(d time.Duration) error {
	return p.do(func(time.Time) error {
		if d <= 0 {
			return fmt.Errorf("a build cannot take %s", d)
		}
		p.options.BuildTime = d
		return nil
	})
}

// Build is a build of an image as the platform sees it.
type Build struct {
	Image string `json:"image"`
	// Target is the image that is built, Dockerfile what it is built with, and Phase how far that is.
	Target     string `json:"target"`
	Dockerfile string `json:"dockerfile"`
	Phase      string `json:"phase"`
	// Log is what has been written until now. It is empty once the pod is gone.
	Log string `json:"log"`
	// Started is when the controller made the job, and Requested the updateTime that it made it for.
	Started   time.Time `json:"started"`
	Requested time.Time `json:"requested"`
	// Deleted tells that the job is gone: cancelled, replaced by the next, or deleted with its image.
	Deleted bool `json:"deleted"`
}

// Builds are all builds there have been of the images of a name, the oldest first.
func (p *Platform) Builds(name string) []Build {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.agenda.CatchUp()
	builds := []Build{}
	for _, j := range p.history {
		if j.image.name != name {
			continue
		}
		b := Build{name, j.target, j.build.dockerfile(), j.phase, "", j.started, j.updateTime, !p.current(j)}
		if j.pod != nil {
			for _, line := range j.log(now) {
				b.Log += line.text + "\n"
			}
		}
		builds = append(builds, b)
	}
	return builds
}
