package lifeline

import (
	"os"
	"path/filepath"
	"testing"
)

// Each state has a workspace of its own: that of another machine, directory, workspace of Terraform, or backend is another one.
func TestWorkspace(t *testing.T) {
	t.Parallel()
	directory, elsewhere, apart := t.TempDir(), t.TempDir(), t.TempDir()
	write := func(directory, name, text string) {
		t.Helper()
		if err := os.MkdirAll(directory, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	of := func(host, directory string, variables ...string) string {
		return workspaceOf(host, directory, func(name string) string {
			for i := 0; i < len(variables); i += 2 {
				if variables[i] == name {
					return variables[i+1]
				}
			}
			return ""
		})
	}
	seen := map[string]string{}
	expect := func(what, as, got string) {
		t.Helper()
		if first, found := seen[got]; found && first != as {
			t.Errorf("%s is %s", what, first)
		} else if !found && what != as {
			t.Errorf("%s is not %s", what, as)
		}
		seen[got] = as
	}
	const data = "TF_DATA_DIR"
	inside := filepath.Join(directory, ".terraform")

	expect("a directory", "a directory", of("here", directory))
	expect("another machine", "another machine", of("there", directory))
	expect("another directory", "another directory", of("here", elsewhere))
	expect("the default by its name", "a directory", of("here", directory, "TF_WORKSPACE", "default"))
	expect("prod by the environment", "prod by the environment", of("here", directory, "TF_WORKSPACE", "prod"))

	write(inside, "environment", "prod\n")
	expect("prod that was selected", "prod by the environment", of("here", directory))
	expect("the environment, which wins", "a directory", of("here", directory, "TF_WORKSPACE", "default"))
	expect("data of its own", "a directory", of("here", directory, data, apart))
	write(filepath.Join(directory, "data"), "environment", "prod")
	expect("data next to it", "prod by the environment", of("here", directory, data, "data"))
	write(inside, "environment", "")
	expect("nothing selected", "a directory", of("here", directory))

	write(inside, "terraform.tfstate", `{"version": 3, "backend": {"type": "s3", "config": {"bucket": "b", "key": "dev", "secret_key": "1"}}}`)
	expect("a backend", "a backend", of("here", directory))
	write(inside, "terraform.tfstate", `{"version": 4, "backend": {"type": "s3", "config": {"bucket": "b", "key": "dev", "secret_key": "2"}}}`)
	expect("the backend with another secret", "a backend", of("here", directory))
	write(inside, "terraform.tfstate", `{"version": 4, "backend": {"type": "s3", "config": {"bucket": "b", "key": "prod", "secret_key": "2"}}}`)
	expect("another key of the backend", "another key of the backend", of("here", directory))
	write(inside, "terraform.tfstate", `{"version": 4`)
	expect("a broken file", "a directory", of("here", directory))
}

// What the process itself sees is taken: a directory that Terraform's -chdir has changed to, and its environment.
func TestWorkspace_process(t *testing.T) {
	directory := t.TempDir()
	before := Workspace()
	t.Chdir(directory)
	here := Workspace()
	t.Setenv("TF_WORKSPACE", "prod")
	if prod := Workspace(); here == before || prod == here || prod == before {
		t.Errorf("%s, %s, %s", before, here, prod)
	}
}
