package rime

import (
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// createRequest is the body of POST /v1/images (CONTRACT §2.2).
type createRequest struct {
	Name string `json:"name"`
	// PipRequirements is sent even when it is empty: the API's description calls it required.
	PipRequirements     []pipRequirement     `json:"pipRequirements"`
	PackageRequirements []packageRequirement `json:"packageRequirements,omitempty"`
	PythonVersion       string               `json:"pythonVersion,omitempty"`
}

type pipRequirement struct {
	Name             string `json:"name"`
	VersionSpecifier string `json:"versionSpecifier,omitempty"`
}

type packageRequirement struct {
	Name             string `json:"name"`
	VersionSpecifier string `json:"versionSpecifier,omitempty"`
	PackageType      string `json:"packageType"`
}

// listRequest is the body of POST /v1/images/list (CONTRACT §2.3). A token stands for the filters of the first page and must not come with them.
type listRequest struct {
	PageToken    string       `json:"pageToken,omitempty"`
	PageSize     int64        `json:"pageSize,string"`
	PipLibraries []pipLibrary `json:"pipLibraries,omitempty"`
}

type pipLibrary struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

func newCreateRequest(spec imageregistry.Spec) createRequest {
	request := createRequest{
		Name:            spec.Name,
		PipRequirements: []pipRequirement{},
		PythonVersion:   spec.PythonVersion,
	}
	// The platform knows no markers. What they say of the image is known here; a plan refuses what is not.
	for _, pip := range requirement.Reduce(spec.PipRequirements, spec.PythonVersion) {
		request.PipRequirements = append(request.PipRequirements, pipRequirement{pip.Name, pip.VersionSpecifier})
	}
	for _, p := range spec.PackageRequirements {
		request.PackageRequirements = append(request.PackageRequirements, packageRequirement{p.Name, p.VersionSpecifier, encodePackageType(p.Type)})
	}
	return request
}

func encodePackageType(packageType requirement.PackageType) string {
	if packageType == requirement.PackageTypeRockyLinux || packageType == "" {
		packageType = wireRockyLinux
	}
	return packageTypes.encode(string(packageType))
}

func newPipLibraries(filter imageregistry.Filter) []pipLibrary {
	libraries := make([]pipLibrary, 0, len(filter.PipLibraries))
	for _, library := range filter.PipLibraries {
		libraries = append(libraries, pipLibrary(library))
	}
	return libraries
}
