package lifeline

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// Workspace identifies the state that this run of Terraform works on: by this machine, the directory in which Terraform runs, its workspace there, and where the backend keeps
// the state. Another state in the same directory must take nothing over: what the run that died had created may be in the state of that run.
func Workspace() string {
	host, _ := os.Hostname() // without a host name, one name is as good as another
	directory, _ := os.Getwd()
	return workspaceOf(host, directory, os.Getenv) //nolint:forbidigo // these variables are Terraform's settings, not the provider's
}

// DataDirectory is where Terraform keeps its own data for a configuration.
func DataDirectory() string {
	return cmp.Or(os.Getenv("TF_DATA_DIR"), ".terraform") //nolint:forbidigo // this variable is a setting of Terraform's, not of the provider's
}

// workspaceOf finds the workspace as Terraform does: https://developer.hashicorp.com/terraform/cli/config/environment-variables.
func workspaceOf(host, directory string, environment func(string) string) string {
	data := cmp.Or(environment("TF_DATA_DIR"), ".terraform")
	if !filepath.IsAbs(data) {
		data = filepath.Join(directory, data)
	}
	name := environment("TF_WORKSPACE")
	if name == "" {
		selected, _ := os.ReadFile(filepath.Join(data, "environment")) // it is not there before another one than the default was selected
		name = cmp.Or(string(bytes.TrimSpace(selected)), "default")
	}
	fingerprint := sha256.Sum256([]byte(host + "\x00" + directory + "\x00" + name + "\x00" + backend(filepath.Join(data, "terraform.tfstate"))))
	return hex.EncodeToString(fingerprint[:16])
}

// locating are the settings of Terraform's backends that say where a state is. Of the others some are secret, and some change without the state being another one.
var locating = []string{
	"address", "bucket", "container_name", "hostname", "key", "namespace", "organization", "path", "prefix", "schema_name", "secret_suffix",
	"storage_account_name", "workspace_dir", "workspace_key_prefix", "workspaces",
}

// backend says where Terraform was told to keep the state of a directory, by the file in which it remembers that. Empty: nothing was said, and it is in the directory.
func backend(file string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	var remembered struct {
		Backend struct {
			Type   string
			Config map[string]json.RawMessage
		}
	}
	if json.Unmarshal(content, &remembered) != nil || remembered.Backend.Type == "" {
		return ""
	}
	where := []string{remembered.Backend.Type}
	for _, setting := range locating {
		where = append(where, string(remembered.Backend.Config[setting]))
	}
	return strings.Join(where, "\x00")
}
