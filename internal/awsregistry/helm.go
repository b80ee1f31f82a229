package awsregistry

import (
	"encoding/json"
	"strings"
)

// HelmValues are what the platform's chart has to be told about the registry.
type HelmValues struct {
	// Enabled turns the registry server on.
	Enabled bool
	// RegistryID is the AWS account that has the repositories.
	RegistryID string
	// RepositoryPrefix is the prefix of all repositories.
	RepositoryPrefix string
	// ServerRoleARN and BuilderRoleARN are annotated on the service accounts. Empty, as for EKS Pod Identity: no annotation.
	ServerRoleARN  string
	BuilderRoleARN string
}

// YAML writes the values with the keys that the chart of version 2 reads (internal/rime/CONTRACT.md §5.4). That chart always allows external custom images, so
// that there is no key for them.
func (v HelmValues) YAML() string {
	var b strings.Builder
	line := func(depth int, key, value string) {
		b.WriteString(strings.Repeat("  ", depth) + key + ":")
		if value != "" {
			b.WriteString(" " + value)
		}
		b.WriteString("\n")
	}
	line(0, "rime", "")
	line(1, "imageRegistryServer", "")
	if !v.Enabled {
		line(2, "enabled", "false")
		return b.String()
	}
	annotate := func(depth int, roleARN string) {
		if roleARN == "" {
			return
		}
		key, value := ServiceAccountAnnotation(roleARN)
		line(depth, "serviceAccount", "")
		line(depth+1, "annotations", "")
		line(depth+2, key, yamlString(value))
	}
	line(2, "enabled", "true")
	line(2, "config", "")
	line(3, "imageRegistry", "")
	line(4, "ecr", "")
	line(5, "registryID", yamlString(v.RegistryID))
	line(5, "repositoryPrefix", yamlString(v.RepositoryPrefix))
	annotate(2, v.ServerRoleARN)
	if v.BuilderRoleARN != "" {
		line(2, "imageRegistryJob", "")
		annotate(3, v.BuilderRoleARN)
	}
	return b.String()
}

// yamlString quotes a text. YAML reads JSON's strings, and an account must not become a number.
func yamlString(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		return `""` // cannot be: it is a string
	}
	return string(quoted)
}
