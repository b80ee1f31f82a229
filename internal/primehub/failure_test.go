package primehub_test

import (
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// TestDiagnose has the words of the real tools.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	const dockerfile = "[Step: init]\nGenerating Dockerfile\nFROM x\nRUN conda install --quiet --yes numpy\n"
	for name, test := range map[string]struct {
		log                string
		step               primehub.Step
		installer, culprit string
		message, hint      string
	}{
		"apt, no such version": {
			"[Step: build]\nSTEP 3: RUN apt-get update && apt-get install -y curl=9\nE: Version '9' for 'curl' was not found\nerror building at STEP",
			primehub.StepBuild, "apt", "curl", "E: Version '9' for 'curl' was not found", "or none",
		},
		"apt, no candidate": {
			"[Step: build]\nE: Package 'python' has no installation candidate", primehub.StepBuild, "apt", "python", "E: Package 'python' has no installation candidate", "replaces it",
		},
		"conda, not found": {
			"[Step: build]\nSTEP 4: RUN conda install --quiet --yes nosuch=1\nPackagesNotFoundError: The following packages are not available from current channels:\n\n  - nosuch=1\n\nCurrent channels:\n\n  - https://conda.test",
			primehub.StepBuild, "conda", "nosuch=1", "PackagesNotFoundError: The following packages are not available from current channels:", "Name the channel",
		},
		"conda, libmamba": {
			"[Step: build]\nLibMambaUnsatisfiableError: Encountered problems while solving:\n  - nothing provides requested nosuch 1.0**\n",
			primehub.StepBuild, "conda", "nosuch", "- nothing provides requested nosuch 1.0**", "Name the channel",
		},
		"conda, newer libmamba": {
			"[Step: build]\nCould not solve for environment specs\nThe following package could not be installed\n└─ numpy ==99.0 does not exist (perhaps a typo or a missing channel).",
			primehub.StepBuild, "conda", "numpy ==99.0", "└─ numpy ==99.0 does not exist (perhaps a typo or a missing channel).", "Name the channel",
		},
		"conda, conflict": {
			"[Step: build]\nLibMambaUnsatisfiableError: Encountered problems while solving:\n  - package a requires b", primehub.StepBuild, "conda", "a",
			"LibMambaUnsatisfiableError: Encountered problems while solving:", "go together",
		},
		"pip, no such package": {
			"[Step: build]\nERROR: Could not find a version that satisfies the requirement nosuch==9 (from versions: none)\nERROR: No matching distribution found for nosuch==9",
			primehub.StepBuild, "pip", "nosuch==9", "ERROR: No matching distribution found for nosuch==9", "Check the name and the version",
		},
		"pip, conflict": {
			"[Step: build]\nERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.\nERROR: ResolutionImpossible: for help visit",
			primehub.StepBuild, "pip", "a==1 and b==2", "ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.", "go together",
		},
		"no way to the index": {
			"[Step: build]\nSTEP 5: RUN pip install --no-cache-dir x\nFailed to establish a new connection: Connection refused", primehub.StepBuild, "pip", "",
			"Failed to establish a new connection: Connection refused", "package index",
		},
		"no such base image": {
			"[Step: build]\nFetching base image: x\nError: initializing source docker://x: reading manifest latest: manifest unknown", primehub.StepBuild, "", "",
			"Error: initializing source docker://x: reading manifest latest: manifest unknown", "base_image_url",
		},
		"push": {
			"[Step: build]\nSTEP 5: RUN pip install --no-cache-dir x\n[Step: push]\nError: unauthorized: authentication required", primehub.StepPush, "", "",
			"Error: unauthorized: authentication required", "push secret",
		},
		"disk":    {"[Step: build]\nwrite /x: no space left on device\nexit status 1", primehub.StepBuild, "", "", "write /x: no space left on device", "disk space"},
		"unknown": {"[Step: build]\nsomething odd\n", primehub.StepBuild, "", "", "something odd", ""},
		"nothing": {"", "", "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := test.log
			if text != "" {
				text = dockerfile + text
			}
			var lines []string
			for line := range strings.SplitSeq(text, "\n") {
				if line != "" {
					lines = append(lines, line)
				}
			}
			got := primehub.Diagnose(lines)
			if got.Step != test.step || got.Installer != test.installer || got.Package != test.culprit || got.Message != test.message || !strings.Contains(got.Hint, test.hint) {
				t.Errorf("%+v", got)
			}
			if test.hint == "" && got.Hint != "" && test.installer == "" && name != "unknown" {
				t.Error(got.Hint)
			}
		})
	}
}
