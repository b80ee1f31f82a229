package buildkit

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const (
	sbomFile      = "sbom.spdx.json"
	spdxPredicate = "https://spdx.dev/Document"
)

// The parts of an SPDX 2.3 document that we have something to say in (https://spdx.github.io/spdx-spec/v2.3/).
type (
	spdxDocument struct {
		SPDXVersion       string             `json:"spdxVersion"`
		DataLicense       string             `json:"dataLicense"`
		SPDXID            string             `json:"SPDXID"`
		Name              string             `json:"name"`
		DocumentNamespace string             `json:"documentNamespace"`
		CreationInfo      spdxCreation       `json:"creationInfo"`
		Packages          []spdxPackage      `json:"packages"`
		Relationships     []spdxRelationship `json:"relationships"`
	}
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxPackage struct {
		SPDXID           string            `json:"SPDXID"`
		Name             string            `json:"name"`
		Version          string            `json:"versionInfo,omitempty"`
		DownloadLocation string            `json:"downloadLocation"`
		FilesAnalyzed    bool              `json:"filesAnalyzed"`
		Purpose          string            `json:"primaryPackagePurpose,omitempty"`
		ExternalRefs     []spdxExternalRef `json:"externalRefs,omitempty"`
	}
	spdxExternalRef struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	spdxRelationship struct {
		Element string `json:"spdxElementId"`
		Type    string `json:"relationshipType"`
		Related string `json:"relatedSpdxElement"`
	}
)

const (
	spdxDocumentID = "SPDXRef-DOCUMENT"
	spdxImageID    = "SPDXRef-image"
)

// newSBOM lists everything that is installed as an SPDX document. We write it ourselves because the scanner that BuildKit would
// use is one more image to pull, and because pip and the package manager know best what they installed.
func newSBOM(req Request, r *report, version string) ([]byte, error) {
	repository, _, _ := strings.Cut(req.Target, "@")
	doc := spdxDocument{
		SPDXVersion: "SPDX-2.3",
		DataLicense: "CC0-1.0",
		SPDXID:      spdxDocumentID,
		Name:        repository,
		CreationInfo: spdxCreation{
			Created:  time.Now().UTC().Format(time.RFC3339),
			Creators: []string{"Tool: " + product + "-" + orUnknown(version)},
		},
		Packages:      []spdxPackage{{SPDXID: spdxImageID, Name: repository, DownloadLocation: "NOASSERTION", Purpose: "CONTAINER"}},
		Relationships: []spdxRelationship{{Element: spdxDocumentID, Type: "DESCRIBES", Related: spdxImageID}},
	}
	for i, c := range r.pip {
		doc.contain(fmt.Sprintf("SPDXRef-pip-%d", i), c, c.pipURL())
	}
	for i, c := range r.system {
		doc.contain(fmt.Sprintf("SPDXRef-%s-%d", r.osFamily, i), c, c.systemURL(r.osFamily, r.osID))
	}
	content, err := json.Marshal([]any{doc.Packages, doc.CreationInfo.Created})
	if err != nil {
		return nil, err
	}
	doc.DocumentNamespace = fmt.Sprintf("https://github.com/managed-images/%s/sbom/%x", product, sha256.Sum256(content))
	return json.Marshal(doc)
}

func (d *spdxDocument) contain(id string, c component, purl string) {
	d.Packages = append(d.Packages, spdxPackage{
		SPDXID: id, Name: c.name, Version: c.version, DownloadLocation: "NOASSERTION",
		ExternalRefs: []spdxExternalRef{{Category: "PACKAGE-MANAGER", Type: "purl", Locator: purl}},
	})
	d.Relationships = append(d.Relationships, spdxRelationship{Element: spdxImageID, Type: "CONTAINS", Related: id})
}

// pipURL is the package URL of a Python distribution (https://github.com/package-url/purl-spec).
func (c component) pipURL() string {
	return "pkg:pypi/" + strings.ReplaceAll(strings.ToLower(c.name), "_", "-") + "@" + purlEscape(c.version)
}

// systemURL is the package URL of a package of the operating system.
func (c component) systemURL(family, os string) string {
	purl := fmt.Sprintf("pkg:%s/%s/%s@%s?arch=%s", family, orUnknown(os), purlEscape(c.name), purlEscape(c.version), c.arch)
	if c.epoch != "" {
		purl += "&epoch=" + c.epoch
	}
	return purl
}

func purlEscape(text string) string {
	return strings.NewReplacer("%3A", ":", "+", "%20").Replace(url.QueryEscape(text))
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}
