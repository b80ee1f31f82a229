package aws

import (
	"slices"
	"time"
)

// lifecycleText is a lifecycle policy in requests and answers.
type lifecycleText struct {
	inRepository
	Text        string   `json:"lifecyclePolicyText,omitempty"`
	EvaluatedAt *seconds `json:"lastEvaluatedAt,omitempty"`
}

func (c *Cloud) putLifecyclePolicy(in lifecycleText) (*lifecycleText, error) {
	if _, err := c.find(in.inRepository); err != nil {
		return nil, err
	}
	if _, err := parseLifecycle(in.Text); err != nil {
		return nil, err
	}
	var result *lifecycleText
	err := c.updateRepository(in.inRepository, func(r *repository) error {
		r.lifecycle, r.evaluated = asKept(in.Text), time.Time{}
		result = &lifecycleText{inRepository: c.of(r), Text: r.lifecycle}
		return nil
	})
	return result, err
}

func (c *Cloud) noLifecyclePolicy(r *repository) error {
	return refuse("LifecyclePolicyNotFoundException", "Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'",
		r.name, c.options.Account)
}

// lifecycleResult is the policy of a repository in answers.
func (c *Cloud) lifecycleResult(r *repository) (*lifecycleText, error) {
	if r.lifecycle == "" {
		return nil, c.noLifecyclePolicy(r)
	}
	evaluated := seconds(r.evaluated)
	if r.evaluated.IsZero() {
		evaluated = seconds(time.Unix(0, 0)) // ECR's way to say never
	}
	return &lifecycleText{c.of(r), r.lifecycle, &evaluated}, nil
}

func (c *Cloud) getLifecyclePolicy(in inRepository) (*lifecycleText, error) {
	r, err := c.find(in)
	if err != nil {
		return nil, err
	}
	return c.lifecycleResult(r)
}

func (c *Cloud) deleteLifecyclePolicy(in inRepository) (result *lifecycleText, err error) {
	err = c.updateRepository(in, func(r *repository) error {
		result, err = c.lifecycleResult(r)
		r.lifecycle = ""
		return err
	})
	return result, err
}

// preview is a lifecycle policy tried on the images of a repository.
type preview struct {
	text    string
	ready   time.Time
	results []previewResult
}

type previewResult struct {
	ImageTags    []string     `json:"imageTags,omitempty"`
	ImageDigest  string       `json:"imageDigest"`
	PushedAt     seconds      `json:"imagePushedAt"`
	Action       previewAct   `json:"action"`
	Priority     int          `json:"appliedRulePriority"`
	StorageClass storageClass `json:"storageClass"`
}

type previewAct struct {
	Type               string `json:"type"`
	TargetStorageClass string `json:"targetStorageClass,omitempty"`
}

// storageClass is where images are kept.
type storageClass string

const (
	standardStorage storageClass = "STANDARD"
	archiveStorage  storageClass = "ARCHIVE"
)

// class is where an image is kept.
func (i *image) class() storageClass {
	if i.isArchived() {
		return archiveStorage
	}
	return standardStorage
}

type previewResultPage struct {
	lifecycleText
	Status    string          `json:"status"`
	NextToken string          `json:"nextToken,omitempty"`
	Results   []previewResult `json:"previewResults,omitempty"`
	Summary   *previewSummary `json:"summary,omitempty"`
}

type previewSummary struct {
	ExpiringImageTotalCount       int               `json:"expiringImageTotalCount"`
	TransitioningImageTotalCounts []transitionCount `json:"transitioningImageTotalCounts,omitempty"`
}

type transitionCount struct {
	TargetStorageClass storageClass `json:"targetStorageClass"`
	ImageTotalCount    int          `json:"imageTotalCount"`
}

// summary counts what the policy would do.
func (p *preview) summary() *previewSummary {
	archiving := 0
	for _, result := range p.results {
		if result.Action.TargetStorageClass != "" {
			archiving++
		}
	}
	summary := &previewSummary{ExpiringImageTotalCount: len(p.results) - archiving}
	if archiving > 0 {
		summary.TransitioningImageTotalCounts = []transitionCount{{archiveStorage, archiving}}
	}
	return summary
}

func (p *preview) status(now time.Time) string {
	if now.Before(p.ready) {
		return "IN_PROGRESS"
	}
	return "COMPLETE"
}

func (c *Cloud) startLifecyclePolicyPreview(in lifecycleText) (*previewResultPage, error) {
	r, err := c.find(in.inRepository)
	if err != nil {
		return nil, err
	}
	store := r.images
	if in.Text == "" {
		if in.Text = r.lifecycle; in.Text == "" {
			return nil, c.noLifecyclePolicy(r)
		}
	}
	rules, err := parseLifecycle(in.Text)
	if err != nil {
		return nil, err
	}
	if store.preview != nil && c.now.Before(store.preview.ready) {
		return nil, refuse("LifecyclePolicyPreviewInProgressException",
			"Lifecycle policy preview for the repository with name '%s' in the registry with id '%s' is already in progress", r.name, c.options.Account)
	}
	store.preview = &preview{asKept(in.Text), c.now.Add(c.options.PreviewTime), evaluate(rules, store, c.now)}
	return &previewResultPage{lifecycleText: lifecycleText{inRepository: c.of(r), Text: store.preview.text}, Status: "IN_PROGRESS"}, nil
}

func (c *Cloud) getLifecyclePolicyPreview(in struct {
	inRepository
	inPages
	ImageIDs []imageID `json:"imageIds"`
	Filter   tagFilter `json:"filter"`
},
) (*previewResultPage, error) {
	r, err := c.find(in.inRepository)
	if err != nil {
		return nil, err
	}
	p := r.images.preview
	if p == nil {
		return nil, refuse("LifecyclePolicyPreviewNotFoundException",
			"Lifecycle policy preview does not exist for the repository with name '%s' in the registry with id '%s'", r.name, c.options.Account)
	}
	result := &previewResultPage{lifecycleText: lifecycleText{inRepository: c.of(r), Text: p.text}, Status: p.status(c.now)}
	if result.Status != "COMPLETE" {
		return result, nil
	}
	result.Summary = p.summary()
	chosen := slices.DeleteFunc(slices.Clone(p.results), func(result previewResult) bool {
		return !in.Filter.matches(result.ImageTags) || len(in.ImageIDs) > 0 && !slices.ContainsFunc(in.ImageIDs, func(id imageID) bool {
			return id.ImageDigest == result.ImageDigest || slices.Contains(result.ImageTags, id.ImageTag)
		})
	})
	result.Results, result.NextToken, err = ecrPage(in.inPages, 100, chosen, func(r previewResult) string { return r.ImageDigest })
	return result, err
}

// Expire applies the lifecycle policies of all repositories now, as ECR does within a day, and returns the digests of what they expired. What
// they archive cannot be pulled any more.
func (c *Cloud) Expire() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.options.Clock()
	var expired []string
	for name, h := range c.repositories.things {
		r := h.newest()
		if r == nil || r.lifecycle == "" {
			continue
		}
		rules, err := parseLifecycle(r.lifecycle)
		if err != nil {
			panic(err) // it was checked when it was put
		}
		for _, result := range evaluate(rules, r.images, c.now) {
			if result.Action.TargetStorageClass != "" {
				r.images.images[result.ImageDigest].archived = c.now
				continue
			}
			c.remove(r.images, result.ImageDigest)
			expired = append(expired, result.ImageDigest)
		}
		evaluated := *r
		evaluated.evaluated = c.now
		c.repositories.set(name, &evaluated)
	}
	slices.Sort(expired)
	return expired
}
