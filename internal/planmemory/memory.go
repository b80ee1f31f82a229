// Package planmemory remembers what a plan found out, for the apply that carries it out.
//
// While it applies, Terraform has every change planned once more and holds the second plan to the first, but does not say what
// that was, nor that this is the second. What a plan looks up elsewhere may have changed in between. So it is written down in
// the directory where Terraform keeps its own data for a configuration, which whoever applies on another machine carries along.
package planmemory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
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
	// appliesSaved tells that it applies a plan that another one has saved.
	appliesSaved bool
}

// New is the memory of the configuration for which Terraform keeps its data in that directory, for the process that started
// this one.
func New(data string) Memory {
	return Memory{directory: filepath.Join(data, "rime"), caller: findCaller()}
}

// stale is how long a plan may wait for its apply.
const stale = 30 * 24 * time.Hour

// path is where an answer is, in the version that the caller's plan found. The caller may be a pattern.
func (m Memory) path(question, caller string) string {
	sum := sha256.Sum256([]byte(question))
	return filepath.Join(m.directory, "plan-"+hex.EncodeToString(sum[:12])+"-"+caller+".json")
}

// Remember writes the answer down. Without it, an apply has to find the same once more.
func (m Memory) Remember(question string, answer any) {
	if m.directory == "" {
		return
	}
	text, err := json.Marshal(answer)
	if err != nil || os.MkdirAll(m.directory, 0o755) != nil {
		return
	}
	m.forget()
	name := m.path(question, m.caller.id)
	if os.WriteFile(name+".new", text, 0o600) == nil {
		_ = os.Rename(name+".new", name)
	}
}

// Recall reads the answer that the plan found which is carried out now. It is not ok while a plan is being made.
func (m Memory) Recall(question string, answer any) (ok bool) {
	if m.directory == "" {
		return false
	}
	text, err := os.ReadFile(m.path(question, m.caller.id))
	if err != nil && m.caller.appliesSaved {
		text, err = os.ReadFile(m.newest(question))
	}
	return err == nil && json.Unmarshal(text, answer) == nil
}

// newest is the file of the newest plan with that question. It cannot be told which plan was saved.
func (m Memory) newest(question string) string {
	found, _ := filepath.Glob(m.path(question, "*")) // the pattern is a valid one
	var newest string
	var at time.Time
	for _, name := range found {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(at) {
			newest, at = name, info.ModTime()
		}
	}
	return newest
}

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

// appliesSaved tells a command of Terraform that applies a saved plan: "apply", and behind it the name of such a file.
func appliesSaved(arguments []string) bool {
	command := ""
	for _, argument := range arguments {
		switch {
		case strings.HasPrefix(argument, "-"):
		case command == "":
			command = argument
		case command == "apply" && isPlan(argument): // others are values of flags
			return true
		}
	}
	return false
}

// isPlan tells a file that is a saved plan, which is a zip.
func isPlan(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	magic := make([]byte, 4)
	_, err = io.ReadFull(f, magic)
	return err == nil && string(magic) == "PK\x03\x04"
}
