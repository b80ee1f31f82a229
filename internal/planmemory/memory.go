// Package planmemory remembers what a plan found out, for the apply that carries it out.
//
// While it applies, Terraform has every change planned once more and holds the second plan to the first, but does not say what
// that was, nor that this is the second. What a plan looks up elsewhere may have changed in between. So it is written down
// twice: in the directory where Terraform keeps its own data for a configuration, for the apply of the same run, and in the
// private state of the plan, where the apply of a saved plan finds it, on any machine.
package planmemory

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Memory is what the plans of one configuration found out. Its zero value remembers nothing. It is safe for concurrent use.
type Memory struct {
	directory string
	caller    caller
}

// caller is the Terraform that started this process.
type caller struct {
	// id tells it from all others of this machine, those that are no more included.
	id string
	// saved is the content of the saved plan that it applies; nil where it makes its own, or where that cannot be read.
	saved []byte
}

// Key is the key of what [Memory.Remember] returns, in the private state of a plan.
const Key = "planned"

// note is an answer in the private state of a plan.
type note struct {
	Question string          `json:"question"`
	Answer   json.RawMessage `json:"answer"`
}

// New is the memory of the configuration for which Terraform keeps its data in that directory, for the process that started
// this one.
func New(data string) Memory {
	return Memory{directory: filepath.Join(data, "rime"), caller: findCaller()}
}

// stale is how long a plan may wait for its apply.
const stale = 30 * 24 * time.Hour

// Remember writes the answer down, and returns what the plan is to have in its private state, as JSON; nil for nothing. Without
// either, an apply has to find the same once more.
func (m Memory) Remember(question string, answer any) (private []byte) {
	text, err := json.Marshal(answer)
	if err != nil {
		return nil
	}
	m.write(question, text)
	private, _ = json.Marshal(note{question, text}) // it is JSON
	return private
}

// write writes the answer down for the apply of the same run.
func (m Memory) write(question string, answer []byte) {
	if m.directory == "" || os.MkdirAll(m.directory, 0o755) != nil {
		return
	}
	m.forget()
	name := m.path(question)
	if os.WriteFile(name+".new", answer, 0o600) == nil {
		_ = os.Rename(name+".new", name)
	}
}

// path is where an answer is that the caller's plan found.
func (m Memory) path(question string) string {
	sum := sha256.Sum256([]byte(question))
	return filepath.Join(m.directory, "plan-"+hex.EncodeToString(sum[:12])+"-"+m.caller.id+".json")
}

// Recall reads the answer that the plan found which is carried out now. It is not ok while a plan is being made.
func (m Memory) Recall(question string, answer any) (ok bool) {
	if m.directory != "" {
		if text, err := os.ReadFile(m.path(question)); err == nil {
			return json.Unmarshal(text, answer) == nil
		}
	}
	for _, found := range noted.FindAllSubmatch(m.caller.saved, -1) {
		text, err := base64.StdEncoding.DecodeString(string(found[1]))
		var n note
		if err == nil && json.Unmarshal(text, &n) == nil && n.Question == question {
			return json.Unmarshal(n.Answer, answer) == nil
		}
	}
	return false
}

// noted is an answer in a saved plan. The plugin framework keeps a private state as JSON, and its values in base64.
var noted = regexp.MustCompile(`"` + Key + `":"([A-Za-z0-9+/=]+)"`)

// forget removes what no apply is to be expected for any more.
func (m Memory) forget() {
	entries, _ := os.ReadDir(m.directory)
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && strings.HasPrefix(entry.Name(), "plan-") && time.Since(info.ModTime()) > stale {
			_ = os.Remove(filepath.Join(m.directory, entry.Name()))
		}
	}
}

// savedPlan is the content of the saved plan that a command of Terraform applies ("apply", and behind it the name of such a
// file), nil for none.
func savedPlan(arguments []string) []byte {
	command := ""
	for _, argument := range arguments {
		switch {
		case strings.HasPrefix(argument, "-"):
		case command == "":
			command = argument
		case command == "apply":
			if plan := readPlan(argument); plan != nil { // others are values of flags
				return plan
			}
		}
	}
	return nil
}

// maxPlan bounds the plans that are read.
const maxPlan = 1 << 30

// readPlan is the content of a file that is a saved plan, which is a zip; nil for others.
func readPlan(name string) []byte {
	archive, err := zip.OpenReader(name)
	if err != nil {
		return nil
	}
	defer func() { _ = archive.Close() }()
	f, err := archive.Open("tfplan")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	plan, err := io.ReadAll(io.LimitReader(f, maxPlan))
	if err != nil {
		return nil
	}
	return plan
}
