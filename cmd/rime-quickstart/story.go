package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/managed-images/terraform-provider-rime/internal/workbench"
)

// story is what happened, for the summary.
type story struct {
	images   []managedImage
	victim   managedImage // the image whose tag is deleted
	drift    string       // what the plan said about it
	repaired managedImage
	// platforms has what was made on stand-ins.
	platforms *platforms
}

// managedImage is what Terraform's state says of an image.
type managedImage struct {
	Address string
	Values  struct {
		Name            string            `json:"name"`
		Status          string            `json:"status"`
		RimeTag         string            `json:"rime_tag"`
		RepoURI         string            `json:"repo_uri"`
		ImageURI        string            `json:"image_uri"`
		ImageDigest     string            `json:"image_digest"`
		Size            int64             `json:"image_size_bytes"`
		PipLibraries    map[string]string `json:"pip_libraries"`
		PipRequirements []string          `json:"pip_requirements"`
		Build           struct {
			RunningTimeSeconds float64 `json:"running_time_seconds"`
		} `json:"build"`
	}
}

// tell does everything that the summary speaks of, and checks each step's outcome with Terraform or the registry.
func tell(ctx context.Context, r *reporter, p *parts) (*story, error) {
	s, t := &story{platforms: &p.platforms}, p.terraform
	steps := []struct {
		title string
		do    func() error
	}{
		{"terraform init", func() error { return t.run(ctx, "init", "init") }},
		{"terraform plan", func() error { return t.run(ctx, "plan", "plan") }},
		{"terraform apply: build and publish the images", func() error { return s.apply(ctx, t) }},
		{"pull the images and check every digest", func() error { return s.pull(ctx) }},
		{"import the packages inside the images", func() error { return s.importPackages(ctx, p.daemon.Address) }},
		{"terraform plan: nothing to do", func() error { return t.expectNoChanges(ctx, "plan-again") }},
		{"delete a tag in the registry, behind Terraform's back", func() error { return s.deleteTag(ctx) }},
		{"terraform plan: see the drift", func() error { return s.seeDrift(ctx, t) }},
		{"terraform apply: repair it", func() error { return s.repair(ctx, t) }},
		{"terraform plan: nothing to do", func() error { return t.expectNoChanges(ctx, "plan-repaired") }},
		{"terraform destroy", func() error { return s.destroy(ctx, t, p.registry.Host) }},
		{"terraform apply: a PrimeHub image and ECR permissions (stand-ins)", func() error { return p.platforms.apply(ctx) }},
		{"terraform plan: nothing to do", func() error { return p.platforms.terraform.expectNoChanges(ctx, "plan-again") }},
		{"terraform destroy", func() error { return p.platforms.destroy(ctx) }},
	}
	for _, step := range steps {
		if err := r.stage(step.title, step.do); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *story) apply(ctx context.Context, t *terraform) error {
	if err := t.run(ctx, "apply", "apply", "-auto-approve"); err != nil {
		return err
	}
	var err error
	s.images, err = t.images(ctx)
	if err == nil && len(s.images) == 0 {
		err = errors.New("terraform apply made no images")
	}
	return err
}

// images reads the images from the state.
func (t *terraform) images(ctx context.Context) ([]managedImage, error) {
	text, err := t.output(ctx, "show", "-json")
	if err != nil {
		return nil, err
	}
	var state struct {
		Values struct {
			RootModule struct {
				Resources []managedImage `json:"resources"`
			} `json:"root_module"`
		} `json:"values"`
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return nil, fmt.Errorf("terraform show: %w", err)
	}
	return state.Values.RootModule.Resources, nil
}

// pull reads every manifest and layer of the images from the registry, by the references that Terraform gave.
func (s *story) pull(ctx context.Context) error {
	for _, image := range s.images {
		if err := workbench.Pull(ctx, image.Values.ImageURI); err != nil {
			return fmt.Errorf("%s: %w", image.Values.ImageURI, err)
		}
		tag, err := name.NewTag(image.Values.RepoURI + ":" + image.Values.RimeTag)
		if err != nil {
			return err
		}
		published, err := remote.Head(tag, remote.WithContext(ctx))
		if err != nil {
			return err
		}
		if published.Digest.String() != image.Values.ImageDigest {
			return fmt.Errorf("%s is %s in the registry, and %s for Terraform", tag, published.Digest, image.Values.ImageDigest)
		}
	}
	return nil
}

func (t *terraform) expectNoChanges(ctx context.Context, log string) error {
	said, err := t.plan(ctx, log, "plan", "-detailed-exitcode")
	if errors.Is(err, errChanges) {
		return fmt.Errorf("%w, and should not have:\n\n%s", err, tail(said, 40))
	}
	return err
}

func (s *story) deleteTag(ctx context.Context) error {
	s.victim = s.images[0]
	tag, err := name.NewTag(s.victim.Values.RepoURI + ":" + s.victim.Values.RimeTag)
	if err != nil {
		return err
	}
	return remote.Delete(tag, remote.WithContext(ctx))
}

func (s *story) seeDrift(ctx context.Context, t *terraform) error {
	said, err := t.plan(ctx, "plan-drift", "plan", "-detailed-exitcode")
	if err == nil {
		return errors.New("terraform plan did not see that the tag is gone")
	}
	if !errors.Is(err, errChanges) {
		return err
	}
	s.drift = resourceBlock(said, s.victim.Address)
	if s.drift == "" {
		return fmt.Errorf("terraform plan said nothing about %s:\n\n%s", s.victim.Address, tail(said, 40))
	}
	return nil
}

// driftLine is a line of a plan that speaks of the drift; the many facts that a build will tell anew do not.
var driftLine = regexp.MustCompile(`^      . (name|rebuild_reason|rime_tag|status|status_reason) +=`)

// resourceBlock is the part of a plan that speaks of this resource, without the lines that say nothing about the drift.
func resourceBlock(plan, address string) string {
	_, plan, found := strings.Cut(plan, "\n  # "+address+" ")
	if !found {
		return ""
	}
	heading, rest, _ := strings.Cut(plan, "\n")
	opening, rest, _ := strings.Cut(rest, "\n")
	body, _, _ := strings.Cut(rest, "\n    }\n")
	block := []string{"  # " + address + " " + heading, opening}
	for line := range strings.Lines(body) {
		if driftLine.MatchString(line) {
			block = append(block, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(append(block, "        # (…)", "    }"), "\n")
}

func (s *story) repair(ctx context.Context, t *terraform) error {
	if err := t.run(ctx, "apply-repair", "apply", "-auto-approve"); err != nil {
		return err
	}
	images, err := t.images(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(images, func(image managedImage) bool { return image.Address == s.victim.Address })
	if i < 0 {
		return fmt.Errorf("terraform apply lost %s", s.victim.Address)
	}
	s.repaired = images[i]
	return workbench.Pull(ctx, s.repaired.Values.RepoURI+":"+s.repaired.Values.RimeTag)
}

// destroy also checks that nothing can be pulled any more.
func (s *story) destroy(ctx context.Context, t *terraform, registryHost string) error {
	if err := t.run(ctx, "destroy", "destroy", "-auto-approve"); err != nil {
		return err
	}
	for _, image := range append(slices.Clone(s.images), s.repaired) {
		repository, err := name.NewRepository(image.Values.RepoURI)
		if err != nil {
			return err
		}
		tags, err := remote.List(repository, remote.WithContext(ctx))
		if err == nil && len(tags) > 0 {
			return fmt.Errorf("terraform destroy left %s with the tags %s in %s", repository, strings.Join(tags, ", "), registryHost)
		}
		if err := workbench.Pull(ctx, image.Values.ImageURI); err == nil {
			return fmt.Errorf("terraform destroy left %s", image.Values.ImageURI)
		}
	}
	return nil
}
