package resolve

import (
	"fmt"
	"strings"

	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
)

// Target is the CPython that distributions are chosen for, and the Linux that it runs on. [NewTarget] makes them.
type Target struct {
	// Python is the whole version ("3.11.7").
	Python   pep440.Version
	Platform pep425.Platform

	tags        *pep425.Tags
	environment pep508.Environment
}

// NewTarget is the target of that Python, whose minor version the platform repeats.
func NewTarget(python pep440.Version, platform pep425.Platform) (*Target, error) {
	release := python.Release()
	if len(release) != 3 || release[0] != "3" || release[1] != fmt.Sprint(platform.Minor) {
		return nil, fmt.Errorf("there is no target with Python %s on a platform for 3.%d", python, platform.Minor)
	}
	minor := strings.Join(release[:2], ".")
	return &Target{
		Python: python, Platform: platform, tags: pep425.NewTags(platform),
		environment: pep508.Environment{
			"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": platform.Machine,
			// What runs the image decides on these, so that nobody can know them before.
			"platform_release": "", "platform_version": "",
			"python_version": minor, "python_full_version": python.String(), "implementation_version": python.String(),
			"implementation_name": "cpython", "platform_python_implementation": "CPython",
		},
	}, nil
}

// Environment is what environment markers are judged by. The caller leaves it as it is.
func (t *Target) Environment() pep508.Environment { return t.environment }

// allowsPython tells whether the Python meets a Requires-Python. One that is no specifier is met, as for pip.
func (t *Target) allowsPython(requires string) bool {
	if requires == "" {
		return true
	}
	specifier, err := pep440.ParseSpecifier(requires)
	return err != nil || specifier.Allows(t.Python)
}
