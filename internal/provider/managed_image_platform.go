package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// checkPlatformPips refuses what the API of a RIME platform cannot say: it takes names and versions (internal/rime/CONTRACT.md
// §2.2). Markers that the image's Python decides are no such thing.
func (r *managedImageResource) checkPlatformPips(config managedImageModel) (d diag.Diagnostics) {
	if r.clients == nil || !r.rockyLinuxOnly {
		return nil
	}
	if len(config.PipConstraints.Elements()) > 0 {
		d.Append(diags.NotOnPlatform(path.Root("pip_constraints"), "bounds packages that are not named",
			"Name those packages in pip_requirements, with their versions."))
	}
	if config.PipLockFile.ValueString() != "" {
		d.Append(diags.NotOnPlatform(path.Root("pip_lock_file"), "is a lock of files and hashes",
			"Write exact versions in pip_requirements, such as numpy==2.1.0."))
	}
	known, _ := texts(config.PipRequirements)
	for _, text := range known {
		pip, err := requirement.ParsePip(text)
		if err != nil {
			continue // its own check says so
		}
		at := shownPath(path.Root("pip_requirements").AtSetValue(types.StringValue(text)))
		left := requirement.Reduce([]requirement.Pip{pip}, config.PythonVersion.ValueString())
		switch {
		case len(left) == 0:
		case pip.URL != "":
			d.Append(diags.NotOnPlatform(at, "comes from an address",
				"Publish the package on the index that the platform uses, and require it by name and version."))
		case left[0].Marker != "":
			d.Append(diags.NotOnPlatform(at, "has an environment marker that is not decided by what is known of the image",
				"Write python_version, if that decides it, or the requirement without the marker."))
		}
	}
	return d
}
