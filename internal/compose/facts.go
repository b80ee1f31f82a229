package compose

import (
	"encoding/json"
	"fmt"

	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// factsVersion goes up when what is read of base images, or how, changes: what was written before is read anew then.
const factsVersion = 1

// facts are a [Base] as it is written down.
type facts struct {
	Version   int              `json:"version"`
	Python    string           `json:"python"`
	Platform  pep425.Platform  `json:"platform"`
	Layout    Layout           `json:"layout"`
	System    bool             `json:"system,omitempty"`
	Elsewhere bool             `json:"elsewhere,omitempty"`
	Installed []installedFacts `json:"installed,omitempty"`
}

// installedFacts are an [Installed], with its metadata as distributions have it.
type installedFacts struct {
	Path     string `json:"path"`
	Metadata string `json:"metadata"`
}

// MarshalJSON writes down what was read, so that nobody has to read the layers again.
func (b *Base) MarshalJSON() ([]byte, error) {
	f := facts{Version: factsVersion, Python: b.Target.Python.String(), Platform: b.Target.Platform, Layout: b.Layout, System: b.System, Elsewhere: b.Elsewhere}
	for _, i := range b.Installed {
		f.Installed = append(f.Installed, installedFacts{i.Path, i.Metadata.String()})
	}
	return json.Marshal(f)
}

// UnmarshalJSON reads what [Base.MarshalJSON] of this version wrote.
func (b *Base) UnmarshalJSON(text []byte) error {
	var f facts
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	if f.Version != factsVersion {
		return fmt.Errorf("facts of a base image in version %d, not %d", f.Version, factsVersion)
	}
	python, err := pep440.Parse(f.Python)
	if err != nil {
		return err
	}
	if b.Target, err = resolve.NewTarget(python, f.Platform); err != nil {
		return err
	}
	b.Layout, b.System, b.Elsewhere, b.Installed = f.Layout, f.System, f.Elsewhere, nil
	for _, i := range f.Installed {
		metadata, err := pythonindex.ParseMetadata(i.Metadata)
		if err != nil {
			return err
		}
		b.Installed = append(b.Installed, Installed{metadata, i.Path})
	}
	return nil
}
