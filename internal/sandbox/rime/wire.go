package rime

import (
	"encoding/json"
	"strings"
	"time"
)

// The documents that the API sends. Names are those of proto3's JSON: camel case, and every field there even if it is not set.

type imageAnswer struct {
	Image imageDocument `json:"image"`
}

type createAnswer struct {
	Image imageDocument `json:"image"`
	Job   jobDocument   `json:"job"`
}

type jobAnswer struct {
	Job jobDocument `json:"job"`
}

type listAnswer struct {
	Images []imageDocument `json:"images"`
	// NextPageToken is a pointer because the end of a list may be told by its absence.
	NextPageToken *string `json:"nextPageToken,omitempty"`
}

type imageDocument struct {
	Name                string               `json:"name"`
	BaseImage           *referenceDocument   `json:"baseImage"`
	RoleType            string               `json:"roleType"`
	ChildImages         []referenceDocument  `json:"childImages"`
	RimeTag             string               `json:"rimeTag"`
	RepoURI             string               `json:"repoUri"`
	Status              string               `json:"status"`
	PackageRequirements []packageRequirement `json:"packageRequirements"`
	PipRequirements     []pipRequirement     `json:"pipRequirements"`
	PipLibraries        []library            `json:"pipLibraries"`
	PythonVersion       string               `json:"pythonVersion"`
}

type referenceDocument struct {
	Name          string `json:"name"`
	ReferenceType string `json:"referenceType"`
}

type pipRequirement struct {
	Name             string `json:"name"`
	VersionSpecifier string `json:"versionSpecifier"`
}

type packageRequirement struct {
	Name             string `json:"name"`
	VersionSpecifier string `json:"versionSpecifier"`
	PackageType      string `json:"packageType"`
}

type library struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type jobDocument struct {
	JobID string `json:"jobId"`
	// TerminationReason was there before 2.0, ErrorMsg and CompletionTime are there since.
	TerminationReason     *string       `json:"terminationReason,omitempty"`
	JobType               string        `json:"jobType"`
	Status                string        `json:"status"`
	StartTime             timestamp     `json:"startTime"`
	CreationTime          timestamp     `json:"creationTime"`
	CompletionTime        *timestamp    `json:"completionTime,omitempty"`
	RunningTimeSecs       float64       `json:"runningTimeSecs"`
	JobData               *struct{}     `json:"jobData"` // nothing is in it for a build
	JobProgressStr        string        `json:"jobProgressStr"`
	CancellationRequested bool          `json:"cancellationRequested"`
	AgentID               *struct{}     `json:"agentId"` // no agent runs a build
	ArchivedJobLogs       *logsDocument `json:"archivedJobLogs"`
	ErrorMsg              *string       `json:"errorMsg,omitempty"`
}

// logsDocument is nested twice: the address is archivedJobLogs.url.url.
type logsDocument struct {
	URL            addressDocument `json:"url"`
	ExpirationTime timestamp       `json:"expirationTime"`
}

type addressDocument struct {
	URL string `json:"url"`
}

// timestamp is a time as proto3's JSON has it: RFC 3339 in UTC with none, three, six or nine digits of a fraction, or null.
type timestamp time.Time

// MarshalJSON implements [json.Marshaler].
func (t timestamp) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	text := time.Time(t).UTC().Format("2006-01-02T15:04:05.000000000")
	for strings.HasSuffix(text, "000") && strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "000"), ".")
	}
	return json.Marshal(text + "Z")
}
