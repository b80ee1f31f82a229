package primehub

import (
	"encoding/json"
	"errors"
	"fmt"
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
	now := p.catchUp()
	i := slices.IndexFunc(p.users, func(u *user) bool { return u.Username == username })
	if i < 0 {
		return nil, fmt.Errorf("no user is called %q", username)
	}
	c := &call{caller: caller{p.users[i]}, now: now, host: p.options.Host, unseen: true, verdicts: map[string]bool{}}
	_, answer := p.execute(c, request{Query: document, Variables: sent}, http.MethodPost)
	for _, told := range answer.Errors {
		err = errors.Join(err, errors.New(told.Message+" ("+told.Extensions.Code+")"))
	}
	if err != nil {
		return nil, err
	}
	var data map[string]any
	err = json.Unmarshal(answer.Data, &data)
	return data, err
}

// do does something to the platform as it is now.
func (p *Platform) do(what func(now time.Time) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return what(p.catchUp())
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
