package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// totals counts what has ended.
type totals struct {
	tests, skipped, failed, packages, packagesLeft int
}

// String is the sum, for the last line.
func (t totals) String() string {
	return fmt.Sprintf("%d tests in %d packages, %d skipped, %d failed", t.tests, t.packages, t.skipped, t.failed)
}

// event is a line of `go test -json`: see `go doc test2json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// silence is after how much of it the report says what still runs.
const silence = 30 * time.Second

// reporter tells the events of one phase.
type reporter struct {
	*runner
	mu sync.Mutex
	// output is what each test, or each package as "", has printed. It is told when the test fails or is skipped.
	output  map[[2]string]*strings.Builder
	running map[[2]string]bool
	tests   map[string]int
	told    time.Time
}

// report tells the events as they come, and what still runs when nothing has come for a while.
func (r *runner) report(events io.Reader) error {
	p := &reporter{runner: r, output: map[[2]string]*strings.Builder{}, running: map[[2]string]bool{}, tests: map[string]int{}, told: time.Now()}
	ticker, ended := time.NewTicker(silence/6), make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.tellRunning()
			case <-ended:
				return
			}
		}
	})
	defer watching.Wait()
	defer close(ended)
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			p.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (p *reporter) line(line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var e event
	if json.Unmarshal(line, &e) != nil { // go itself says something
		p.say("%s", strings.TrimRight(string(line), "\n"))
		return
	}
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "run":
		p.running[key] = true
	case "output":
		p.printed(key).WriteString(e.Output)
	case "build-output":
		p.printed([2]string{e.ImportPath, "build"}).WriteString(e.Output)
	case "build-fail":
		p.tell("FAIL  cannot build "+e.ImportPath, [2]string{e.ImportPath, "build"})
	case "pass", "fail", "skip":
		if e.Test == "" {
			p.endPackage(e)
		} else {
			p.endTest(e)
		}
	}
}

func (p *reporter) printed(key [2]string) *strings.Builder {
	if p.output[key] == nil {
		p.output[key] = &strings.Builder{}
	}
	return p.output[key]
}

func (p *reporter) endTest(e event) {
	key := [2]string{e.Package, e.Test}
	p.totals.tests++
	p.tests[e.Package]++
	switch e.Action {
	case "fail":
		p.totals.failed++
		p.tell(fmt.Sprintf("FAIL  %s %s", short(e.Package), e.Test), key)
	case "skip":
		p.totals.skipped++
		p.tell(fmt.Sprintf("skip  %s %s", short(e.Package), e.Test), key)
	}
	delete(p.output, key)
	delete(p.running, key)
}

func (p *reporter) endPackage(e event) {
	p.totals.packages++
	p.totals.packagesLeft--
	heading := fmt.Sprintf("%s  %s  %d tests in %.1f s; %d packages left",
		map[string]string{"pass": "ok", "skip": "ok", "fail": "FAIL"}[e.Action], short(e.Package), p.tests[e.Package], e.Elapsed, p.totals.packagesLeft)
	if e.Action != "fail" {
		p.tell(heading)
		return
	}
	// What a test had printed that never ended, because the process did, and then what the process printed.
	keys := slices.SortedFunc(maps.Keys(p.output), func(a, b [2]string) int { return -strings.Compare(a[1], b[1]) })
	p.tell(heading, slices.DeleteFunc(keys, func(key [2]string) bool { return key[0] != e.Package })...)
	maps.DeleteFunc(p.running, func(key [2]string, _ bool) bool { return key[0] == e.Package })
}

// tell writes a line, and what these have printed.
func (p *reporter) tell(heading string, keys ...[2]string) {
	p.told = time.Now()
	p.say("%s", heading)
	for _, key := range keys {
		if text := p.output[key]; text != nil {
			_, _ = io.WriteString(p.out, text.String()) // who reads it has gone
		}
	}
}

// tellRunning says which tests run, after a silence.
func (p *reporter) tellRunning() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.told) < silence || len(p.running) == 0 {
		return
	}
	count := map[string]int{}
	for key := range p.running {
		if !strings.Contains(key[1], "/") {
			count[short(key[0])]++
		}
	}
	var running []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		running = append(running, fmt.Sprintf("%s (%d tests begun)", name, count[name]))
	}
	p.tell(fmt.Sprintf("...   %d tests so far; running: %s", p.totals.tests, strings.Join(running, ", ")))
}

func short(path string) string { return strings.TrimPrefix(path, module+"/") }
