// Package planmemory remembers what a plan found out, for the apply that carries it out.
//
// While it applies, Terraform has every change planned once more and holds the second plan to the first, but does not say what
// that was, nor that this is the second. What a plan looks up elsewhere may have changed in between. So it is written down in
// the directory where Terraform keeps its own data for a configuration, which whoever applies on another machine carries along.
package planmemory

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
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

// Caller is the name of the Terraform that makes this plan. Whoever writes it into the private state of a plan, quoted, tells
// by which plan a saved one was found.
func (m Memory) Caller() string { return m.caller.id }

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
	if err != nil && m.caller.saved != nil {
		text, err = os.ReadFile(m.path(question, m.planner(question)))
	}
	return err == nil && json.Unmarshal(text, answer) == nil
}

// planner is who made the saved plan, among those who asked the question; empty for none of them. What others found is
// not what was planned.
func (m Memory) planner(question string) string {
	found, _ := filepath.Glob(m.path(question, "*")) // the pattern is a valid one
	before, behind, _ := strings.Cut(m.path(question, "*"), "*")
	for _, name := range found {
		id := strings.TrimSuffix(strings.TrimPrefix(name, before), behind)
		// A plan has the values of a private state in base64.
		if bytes.Contains(m.caller.saved, []byte(base64.StdEncoding.EncodeToString([]byte(strconv.Quote(id))))) {
			return id
		}
	}
	return ""
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
