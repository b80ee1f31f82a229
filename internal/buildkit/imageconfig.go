package buildkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// LabelPrefix begins the labels that are this provider's own.
const LabelPrefix = "io.github.managed-images.rime."

// imageConfig is the configuration of the base image. Members we do not know are carried over as they are.
type imageConfig struct {
	members map[string]json.RawMessage
	config  map[string]json.RawMessage // the member "config": what a container runs with
	known   ocispecs.Image
}

func parseImageConfig(raw []byte) (imageConfig, error) {
	c := imageConfig{config: map[string]json.RawMessage{}}
	if err := errors.Join(json.Unmarshal(raw, &c.members), json.Unmarshal(raw, &c.known)); err != nil {
		return imageConfig{}, fmt.Errorf("the base image's configuration is not understood: %w", err)
	}
	if nested, ok := c.members["config"]; ok {
		if err := json.Unmarshal(nested, &c.config); err != nil {
			return imageConfig{}, fmt.Errorf("the base image's configuration is not understood: %w", err)
		}
	}
	return c, nil
}

// env is the environment of the base image, with a PATH in any case.
func (c imageConfig) env() []string {
	const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	return append([]string{defaultPath}, c.known.Config.Env...) // the last assignment counts
}

// derive is the configuration of the image that is built on the base: the same, with our labels and our lines in the history.
// It holds no time, so the exporter takes those of the layers and the same layers make the same image.
func (c imageConfig) derive(req Request, version string) ([]byte, error) {
	config := maps.Clone(c.config)
	if config == nil {
		config = map[string]json.RawMessage{}
	}
	members := maps.Clone(c.members)
	delete(members, "created")
	history := append([]ocispecs.History{}, c.known.History...)
	for _, line := range req.history() {
		history = append(history, ocispecs.History{CreatedBy: line, Comment: product})
	}
	for _, m := range []struct {
		in   map[string]json.RawMessage
		key  string
		from any
	}{
		{config, "Labels", c.labels(req, version)},
		{members, "config", config},
		{members, "history", history},
	} {
		encoded, err := json.Marshal(m.from)
		if err != nil {
			return nil, err
		}
		m.in[m.key] = encoded
	}
	return json.Marshal(members)
}

// labels are the base image's, without what they say about the base image itself, and ours.
func (c imageConfig) labels(req Request, version string) map[string]string {
	labels := maps.Clone(c.known.Config.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.DeleteFunc(labels, func(key, _ string) bool { return strings.HasPrefix(key, "org.opencontainers.image.") })
	name, digest, _ := strings.Cut(req.Base, "@")
	labels[ocispecs.AnnotationBaseImageName] = name
	labels[ocispecs.AnnotationBaseImageDigest] = digest
	labels[LabelPrefix+"version"] = orUnknown(version)
	maps.Copy(labels, req.Labels)
	return labels
}

// history says in words what each of our layers is, in the order of the layers.
func (r Request) history() []string {
	var lines []string
	for _, tool := range systemTools {
		if packages := packagesOf(r.Packages, tool.packageType); len(packages) > 0 {
			lines = append(lines, stepSystem+": "+strings.Join(packages, " "))
		}
	}
	if len(r.Pip) > 0 {
		var pips []string
		for _, p := range requirement.CanonicalPips(r.Pip) {
			pips = append(pips, p.String())
		}
		lines = append(lines, stepPip+": "+strings.Join(pips, " "))
	}
	return lines
}
