package buildkit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// report is what an image holds, as its own tools tell it.
type report struct {
	python   string // "X.Y"
	pip      []component
	system   []component
	osID     string // "debian", "rocky"
	osFamily string // the type of a package URL: "deb" or "rpm"
}

// component is one thing that is installed.
type component struct {
	name, version string
	arch          string // of system packages
	epoch         string // of RPM packages
}

// parseReport reads the output of scripts/report.sh.
func parseReport(raw []byte) (*report, error) {
	r := &report{}
	section := ""
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, len(raw)+1) // pip lists everything on one line
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "%% "); ok {
			section = name
			continue
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if err := r.add(section, line); err != nil {
			return nil, fmt.Errorf("cannot read what is installed: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if r.python == "" || r.pip == nil {
		return nil, errors.New("cannot read what is installed: the list is incomplete")
	}
	return r, nil
}

func (r *report) add(section, line string) error {
	switch section {
	case "python":
		r.python = line
	case "pip":
		return r.addPip(line)
	case "os-release":
		if id, ok := strings.CutPrefix(line, "ID="); ok {
			r.osID = strings.Trim(id, `"'`)
		}
	case "deb":
		// Status, package, version, architecture.
		if fields := strings.Split(line, "\t"); len(fields) == 4 && fields[0] == "installed" {
			r.osFamily = section
			r.system = append(r.system, component{name: fields[1], version: fields[2], arch: fields[3]})
		}
	case "rpm":
		// Name, epoch, version-release, architecture.
		if fields := strings.Split(line, "\t"); len(fields) == 4 && fields[0] != "gpg-pubkey" {
			r.osFamily = section
			epoch := strings.TrimPrefix(fields[1], "(none)") // how rpm writes nothing
			r.system = append(r.system, component{name: fields[0], epoch: epoch, version: fields[2], arch: fields[3]})
		}
	}
	return nil
}

func (r *report) addPip(line string) error {
	var listed []struct{ Name, Version string }
	if err := json.Unmarshal([]byte(line), &listed); err != nil {
		return fmt.Errorf("pip list is no JSON: %w", err)
	}
	r.pip = make([]component, 0, len(listed))
	for _, l := range listed {
		r.pip = append(r.pip, component{name: l.Name, version: l.Version})
	}
	return nil
}

// lockError is an image that does not hold what its lock says.
type lockError struct {
	locked Locked
	// found is the version that is there, empty for none.
	found string
}

// Error implements error.
func (e *lockError) Error() string {
	if e.found == "" {
		return fmt.Sprintf("%s %s is locked, and the image does not have it", e.locked.Name, e.locked.Version)
	}
	return fmt.Sprintf("%s %s is locked, and the image has %s", e.locked.Name, e.locked.Version, e.found)
}

// check holds what is installed to the lock. Its error is a [*lockError].
func (r *report) check(locked []Locked) error {
	installed := map[string]string{}
	for _, c := range r.pip {
		installed[pep508.NormalizeName(c.name)] = c.version
	}
	for _, l := range locked {
		wanted, err := pep440.Parse(l.Version)
		if err != nil {
			continue // a lock without a version says nothing of it
		}
		found, ok := installed[l.Name]
		if version, err := pep440.Parse(found); !ok || err != nil || version.Compare(wanted) != 0 {
			return &lockError{l, found}
		}
	}
	return nil
}

// libraries is what pip lists, in the words of the registry.
func (r *report) libraries() []imageregistry.PipLibrary {
	libraries := make([]imageregistry.PipLibrary, len(r.pip))
	for i, c := range r.pip {
		libraries[i] = imageregistry.PipLibrary{Name: c.name, Version: c.version}
	}
	return libraries
}
