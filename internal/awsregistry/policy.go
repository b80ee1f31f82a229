package awsregistry

import "encoding/json"

// statement is one statement of a policy document.
type statement struct {
	Sid       string                       `json:"Sid,omitempty"`
	Effect    string                       `json:"Effect"`
	Principal map[string]string            `json:"Principal,omitempty"`
	Action    []string                     `json:"Action"`
	Resource  string                       `json:"Resource,omitempty"`
	Condition map[string]map[string]values `json:"Condition,omitempty"`
}

// values are written as a list unless there is only one, as IAM and the module do.
type values []string

// MarshalJSON implements json.Marshaler.
func (v values) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

type document struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

// text is the document as JSON. Maps are written in the order of their keys, so that the same document is the same text.
func (d document) text() string {
	d.Version = "2012-10-17"
	text, err := json.Marshal(d)
	if err != nil {
		return "" // cannot be: there are only strings in it
	}
	return string(text)
}

// ServerActions are what the platform's registry server may do to repositories under the prefix (internal/rime/CONTRACT.md §5.3). The product's documents
// leave out ecr:DescribeRepositories; the module has it since 2.0, and the server needs it.
var serverActions = []string{
	"ecr:CreateRepository", "ecr:DeleteRepository", "ecr:DescribeImages", "ecr:DescribeRepositories", "ecr:ListImages", "ecr:PutLifecyclePolicy",
}

// builderActions are what builder jobs may do to repositories under the prefix (internal/rime/CONTRACT.md §5.3): pull and push, nothing else.
var builderActions = []string{
	"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload",
	"ecr:PutImage", "ecr:UploadLayerPart",
}

// RegistryServerPolicy is the policy of the platform's registry server, as JSON: the documented actions on the repositories under the prefix, and
// ecr:GetAuthorizationToken, which AWS knows on "*" only.
func RegistryServerPolicy(account Account, prefix string) string {
	return permissions(account, prefix, serverActions)
}

// ImageBuilderPolicy is the policy of the builder jobs, as JSON.
func ImageBuilderPolicy(account Account, prefix string) string {
	return permissions(account, prefix, builderActions)
}

func permissions(account Account, prefix string, actions []string) string {
	return document{Statement: []statement{
		{Effect: "Allow", Action: actions, Resource: account.RepositoryARNPattern(prefix)},
		{Effect: "Allow", Action: []string{"ecr:GetAuthorizationToken"}, Resource: "*"},
	}}.text()
}
