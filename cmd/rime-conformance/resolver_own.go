package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep425"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep440"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

// resolveOne is the argument with which this program resolves the one task on its standard input, in a process that does nothing else.
const resolveOne = "-resolve-one"

// resolvePatience is how long one resolution may take.
const resolvePatience = 5 * time.Minute

// resolveTask is what is to be resolved.
type resolveTask struct {
	Set requirementSet `json:"set"`
	// Index is the address of the package index.
	Index string `json:"index"`
	// Before leaves out what came to the index later. Zero leaves out nothing.
	Before time.Time `json:"before"`
	// Constraints are the versions that somebody else has chosen.
	Constraints []string `json:"constraints,omitempty"`
}

// resolution is what one resolver makes of a set. Where there is neither a refusal nor a failure, it has pins.
type resolution struct {
	// Pins are the versions by normalised name.
	Pins map[string]string `json:"pins,omitempty"`
	// Refused is why there is no answer, in the resolver's words; Failed is why it is not known whether there is one.
	Refused string `json:"refused,omitempty"`
	Failed  string `json:"failed,omitempty"`
	// Cold and Warm are how long it took with nothing remembered, and again.
	Cold time.Duration `json:"cold,omitempty"`
	Warm time.Duration `json:"warm,omitempty"`
}

// ownAnswer is ours.
type ownAnswer struct {
	resolution
	// Distributions are what the pins are of.
	Distributions []ownDistribution `json:"distributions,omitempty"`
	Environment   map[string]string `json:"environment,omitempty"`
	// Requests and Received are how many requests the cold resolution sent and how many bytes it got for them, as they came.
	Requests int64 `json:"requests"`
	Received int64 `json:"received"`
	// Resident is how much memory the process had at most by the end of the cold resolution, and before it, in bytes.
	Resident int64 `json:"resident"`
	Before   int64 `json:"before"`
}

// ownDistribution is one pin with all that can be judged of it.
type ownDistribution struct {
	Name           string    `json:"name"`
	Version        string    `json:"version"`
	File           string    `json:"file"`
	URL            string    `json:"url"`
	SHA256         string    `json:"sha256"`
	Size           int64     `json:"size"`
	Uploaded       time.Time `json:"uploaded"`
	Yanked         bool      `json:"yanked"`
	RequiresPython string    `json:"requires_python"`
	Requires       []string  `json:"requires"`
	Extras         []string  `json:"extras"`
}

// resolveOwn has a new process resolve the task.
func resolveOwn(ctx context.Context, program string, task resolveTask) (own ownAnswer, err error) {
	told, err := json.Marshal(task)
	if err != nil {
		return own, err
	}
	cmd := exec.CommandContext(ctx, program, resolveOne)
	cmd.Stdin = bytes.NewReader(told)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return own, fmt.Errorf("our own process: %w\n%s", err, words.Bytes())
	}
	return own, json.Unmarshal(out, &own)
}

// serveResolution is the other end of it.
func serveResolution(ctx context.Context, in io.Reader, out io.Writer) error {
	var task resolveTask
	if err := json.NewDecoder(in).Decode(&task); err != nil {
		return err
	}
	own, err := resolveHere(ctx, task)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(own)
}

// resolveHere resolves twice with one client.
func resolveHere(ctx context.Context, task resolveTask) (own ownAnswer, err error) {
	request, err := task.request()
	if err != nil {
		return own, err
	}
	own.Before = residentMemory()
	transport, err := httpx.NewTransport(httpx.Trust{})
	if err != nil {
		return own, err
	}
	count := &counter{next: transport}
	client, err := pythonindex.New(pythonindex.Options{
		Indexes: []pythonindex.Index{{URL: task.Index}}, Transport: count, UserAgent: "rime-conformance", Retries: 3,
	})
	if err != nil {
		return own, err
	}
	pins, took, err := resolveTimed(ctx, client, request)
	own.Cold, own.Requests, own.Received, own.Resident = took, count.requests.Load(), count.received.Load(), residentMemory()
	own.Environment = request.Target.Environment()
	if conflict, refused := errors.AsType[*resolve.ConflictError](err); refused {
		own.Refused = conflict.Error()
	} else if err != nil {
		own.Failed = err.Error()
	}
	if own.Failed != "" {
		return own, nil
	}
	if own.Distributions, err = described(ctx, client, pins); err != nil {
		return own, err
	}
	again, took, err := resolveTimed(ctx, client, request)
	if own.Warm = took; own.Refused == "" && (err != nil || !slices.EqualFunc(pins, again, samePin)) {
		return own, fmt.Errorf("the second answer is another than the first: %w", cmp.Or(err, errors.New(changes(pinsOf(pins), pinsOf(again)))))
	}
	if own.Refused == "" {
		own.Pins = pinsOf(pins)
	}
	return own, nil
}

func pinsOf(pins []resolve.Pin) map[string]string {
	versions := map[string]string{}
	for _, p := range pins {
		versions[p.Name] = p.Version.String()
	}
	return versions
}

func samePin(a, b resolve.Pin) bool { return a.Name == b.Name && a.File.URL == b.File.URL }

func resolveTimed(ctx context.Context, client *pythonindex.Client, request resolve.Request) ([]resolve.Pin, time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, resolvePatience, fmt.Errorf("no answer within %s", resolvePatience))
	defer cancel()
	began := time.Now()
	pins, err := resolve.Resolve(ctx, client, request)
	return pins, time.Since(began), err
}

// request is the task in the resolver's types.
func (t resolveTask) request() (request resolve.Request, err error) {
	request = resolve.Request{Before: t.Before, WheelsOnly: true}
	if request.Requirements, err = parseRequirements(t.Set.Requirements); err != nil {
		return request, err
	}
	if request.Constraints, err = parseRequirements(t.Constraints); err != nil {
		return request, err
	}
	request.Target, err = t.Set.Target.resolveTarget()
	return request, err
}

func parseRequirements(texts []string) ([]pep508.Requirement, error) {
	parsed := make([]pep508.Requirement, len(texts))
	for i, text := range texts {
		var err error
		if parsed[i], err = pep508.Parse(text); err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

func (t pythonTarget) resolveTarget() (*resolve.Target, error) {
	version, err := pep440.Parse(t.Python)
	if err != nil {
		return nil, err
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(t.minorVersion(), "3."))
	if err != nil {
		return nil, err
	}
	return resolve.NewTarget(version, pep425.Platform{Minor: minor, Machine: t.Machine, Libc: t.Libc, LibcMajor: t.Major, LibcMinor: t.Minor})
}

// described are the pins with their metadata, which the client remembers.
func described(ctx context.Context, client *pythonindex.Client, pins []resolve.Pin) ([]ownDistribution, error) {
	all := make([]ownDistribution, len(pins))
	for i, p := range pins {
		metadata, err := client.Metadata(ctx, p.File)
		if err != nil {
			return nil, err
		}
		all[i] = ownDistribution{
			Name: p.Name, Version: p.Version.String(), File: p.File.Name, URL: p.File.URL, SHA256: p.File.SHA256, Size: p.File.Size, Uploaded: p.File.Uploaded,
			Yanked: p.File.Yanked, RequiresPython: metadata.RequiresPython.String(), Extras: metadata.Extras,
		}
		for _, r := range metadata.Requires {
			all[i].Requires = append(all[i].Requires, r.String())
		}
	}
	return all, nil
}

// pinned are the pins as requirements.
func (a *resolution) pinned() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(a.Pins)) {
		all = append(all, name+"=="+a.Pins[name])
	}
	return all
}

// residentMemory is how much memory this process had at most, in bytes; 0 where the system does not tell. (The kernel's other count,
// of getrusage, begins with what the parent had.)
func residentMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kib int64
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			break
		}
	}
	return kib << 10
}

// counter counts requests, and the bytes of their answers as the transport gives them.
type counter struct {
	next               http.RoundTripper
	requests, received atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	resp, err := c.next.RoundTrip(req)
	if err == nil {
		resp.Body = &countedBody{resp.Body, &c.received}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	received *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.received.Add(int64(n))
	return n, err
}
