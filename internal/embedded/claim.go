package embedded

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// claimPrefix begins the tag of a claim: when it expires, in milliseconds since 1970, and something random follow, so that whoever lists the tags knows
// the dead claims without reading them, and all agree on who was first.
const claimPrefix = "rime-claim-"

const (
	// claimPause is about how long to wait before looking whether others have lowered their claims.
	claimPause = 40 * time.Millisecond
	// maxClaimPause bounds how that grows.
	maxClaimPause = time.Second
)

// claimContent is what the artifact under a claim's tag says.
type claimContent struct {
	Holder string `json:"holder"`
	// Released is how a claim is lowered in a registry that deletes nothing.
	Released bool `json:"released,omitempty"`
}

// claim is a flag of ours in a repository.
type claim struct {
	tag     name.Tag
	digest  string
	expires time.Time
	// release lets go of the claim's lifeline.
	release func()
}

// exclusively runs change while no other process changes what is in the repository.
//
// It is the flag principle: raise a flag, then look. Whoever sees no other flag may go ahead, as anybody who comes later sees
// theirs. Of several, the one that expires first stays up and waits while the others give way, so that one of them always gets on. The flag of
// a process that died expires; change is given a context that ends well before that.
func (s *store) exclusively(ctx context.Context, repo name.Repository, change func(context.Context) error) error {
	deadline := time.Now().Add(2 * s.timing.ClaimTTL)
	for attempt := 0; ; attempt++ {
		tried, err := s.tryExclusively(ctx, repo, change)
		if tried || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return &BusyError{Name: path.Base(repo.RepositoryStr()), Holder: "several other processes", Until: s.clock.now().Add(s.timing.ClaimTTL)}
		}
		if err := httpx.Sleep(ctx, claimWait(attempt)); err != nil {
			return err
		}
	}
}

func claimWait(attempt int) time.Duration {
	return min(httpx.Backoff(claimPause, attempt), maxClaimPause)
}

// tryExclusively is one attempt; tried is false when others were there first.
func (s *store) tryExclusively(ctx context.Context, repo name.Repository, change func(context.Context) error) (tried bool, err error) {
	c, err := s.raise(ctx, repo)
	// Whatever happened, even if raising it seems to have failed, the flag must not stay up.
	defer s.lower(ctx, c)
	if err != nil {
		return false, err
	}
	expired, alone, err := s.alone(ctx, c)
	if err != nil || !alone {
		return false, err
	}
	// From here to the end of the change, the caller's cancellation would only leave things half done.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.expires.Sub(s.clock.now())-s.timing.ClaimTTL/4)
	defer cancel()
	if err := change(limited); err != nil {
		return true, err
	}
	s.sweep(limited, repo, expired)
	return true, nil
}

// raise puts a claim up.
func (s *store) raise(ctx context.Context, repo name.Repository) (claim, error) {
	expires := s.clock.now().Add(s.timing.ClaimTTL)
	id := strings.ToLower(rand.Text()[:10])
	tag := repo.Tag(fmt.Sprintf("%s%013d-%s", claimPrefix, expires.UnixMilli(), id))
	a, err := newArtifact(typeClaim, claimContent{Holder: s.options.Holder})
	if err != nil {
		return claim{}, err
	}
	c := claim{tag: tag, digest: a.digest, expires: expires, release: s.lifelines().Tie(id)}
	return c, s.put(ctx, tag, a)
}

// alone waits until no other claim is up, as long as this one is the first of them. It also returns the expired claims it saw.
func (s *store) alone(ctx context.Context, c claim) (expired []string, alone bool, err error) {
	var unlisted error
	for attempt := 0; ; attempt++ {
		if c.expires.Sub(s.clock.now()) < s.timing.ClaimTTL/2 {
			return nil, false, unlisted // too little time left for the change: start anew
		}
		tags, err := s.tags(ctx, c.tag.Repository)
		if err != nil {
			return nil, false, err
		}
		live, expired := s.others(tags, c)
		visible := slices.Contains(tags, c.tag.TagStr())
		if live, err = s.standing(ctx, c.tag.Repository, live); err != nil {
			return nil, false, err
		}
		switch {
		case visible && len(live) == 0:
			return expired, true, nil
		case len(live) > 0 && slices.Min(live) < c.tag.TagStr():
			return nil, false, nil
		}
		// Ours is the first, or the registry's list is behind: then others may be missing from it as well.
		unlisted = nil
		if !visible {
			unlisted = fmt.Errorf("%s does not list the tag %s that was just pushed, so processes cannot tell each other apart there", c.tag.Repository.Name(), c.tag.TagStr())
		}
		if err := httpx.Sleep(ctx, claimWait(attempt)); err != nil {
			return nil, false, err
		}
	}
}

// others sorts the claims of others by whether they have expired.
func (s *store) others(tags []string, c claim) (live, expired []string) {
	now := s.clock.now()
	for _, tag := range tags {
		expires, ok := claimExpiry(tag)
		switch {
		case !ok || tag == c.tag.TagStr():
		case s.isLowered(tag):
			expired = append(expired, tag)
		case now.Before(expires):
			live = append(live, tag)
		case now.After(expires.Add(s.timing.ClaimTTL)):
			expired = append(expired, tag)
		}
	}
	return live, expired
}

// claimExpiry reads the tag of a claim.
func claimExpiry(tag string) (time.Time, bool) {
	rest, ok := strings.CutPrefix(tag, claimPrefix)
	if !ok {
		return time.Time{}, false
	}
	number, _, _ := strings.Cut(rest, "-")
	milliseconds, err := strconv.ParseInt(number, 10, 64)
	return time.UnixMilli(milliseconds), err == nil
}

// standing are those of the claims that have not been lowered meanwhile.
func (s *store) standing(ctx context.Context, repo name.Repository, claims []string) ([]string, error) {
	var up []string
	for _, tag := range claims {
		manifest, err := s.get(ctx, repo.Tag(tag))
		if errors.Is(err, errAbsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if _, buried := contentOf(manifest, typeTombstone); buried {
			continue // a delete took it down as far as the registry let it
		}
		var content claimContent
		if text, ok := contentOf(manifest, typeClaim); ok && json.Unmarshal([]byte(text), &content) == nil && content.Released {
			continue
		}
		up = append(up, tag)
	}
	return up, nil
}

// lower takes a claim down. If that fails, it expires; to this process it counts as down already.
func (s *store) lower(ctx context.Context, c claim) {
	if c.digest == "" {
		return
	}
	defer c.release()
	ctx = context.WithoutCancel(ctx) // every call has a deadline of its own
	s.lowered.Store(c.tag.TagStr(), true)
	if !s.keepsAll.Load() {
		_ = s.remove(ctx, c.tag, c.digest)
	}
	if s.keepsAll.Load() {
		if released, err := newArtifact(typeClaim, claimContent{Holder: s.options.Holder, Released: true}); err == nil {
			_ = s.put(ctx, c.tag, released)
		}
	}
}

// isLowered tells whether the claim is one that this process is done with, even if it is still to be seen, or that of a process of this
// machine that died.
func (s *store) isLowered(tag string) bool {
	_, lowered := s.lowered.Load(tag)
	return lowered || s.lifelines().Cut(claimID(tag))
}

// claimID is the random part of a claim's tag.
func claimID(tag string) string { return tag[strings.LastIndexByte(tag, '-')+1:] }

// sweep removes claims of processes that died. Nothing depends on it.
func (s *store) sweep(ctx context.Context, repo name.Repository, expired []string) {
	for _, tag := range expired {
		if s.keepsAll.Load() {
			return
		}
		digest, err := s.resolve(ctx, repo.Tag(tag))
		switch {
		case err == nil:
			_ = s.remove(ctx, repo.Tag(tag), digest)
		case errors.Is(err, errAbsent):
			_ = s.removeTag(ctx, repo.Tag(tag))
		}
		s.lifelines().Forget(claimID(tag))
	}
}
