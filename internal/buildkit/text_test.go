package buildkit

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

func TestTail(t *testing.T) {
	t.Parallel()
	var last tail
	for i := range 2*maxTailLines + 7 {
		last.add(fmt.Sprint(i))
		all := last.all()
		if got, want := len(all), min(i+1, maxTailLines); got != want {
			t.Fatalf("%d lines of %d, want %d", got, i+1, want)
		}
		if all[len(all)-1] != fmt.Sprint(i) || all[0] != fmt.Sprint(max(0, i+1-maxTailLines)) {
			t.Fatalf("from %s to %s after %d lines", all[0], all[len(all)-1], i+1)
		}
	}
}

func TestSplitter(t *testing.T) {
	t.Parallel()
	const text = "one\ntwo\r\n\nfour is long\nfive"
	for _, size := range []int{1, 2, 3, 7, len(text)} { // however the daemon cuts the stream
		var got []string
		s := splitter{limit: 6}
		emit := func(line []byte, dropped int) { got = append(got, fmt.Sprintf("%s+%d", line, dropped)) }
		for data := []byte(text); len(data) > 0; data = data[min(size, len(data)):] {
			s.write(data[:min(size, len(data))], emit)
		}
		if !s.pending() {
			t.Error("the last line is forgotten")
		}
		s.flush(emit)
		if diff := cmp.Diff([]string{"one+0", "two\r+0", "+0", "four i+6", "five+0"}, got); diff != "" {
			t.Errorf("in pieces of %d:\n%s", size, diff)
		}
	}
}

func TestReadable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                                "plain",
		"tab\tstays":                           "tab\tstays",
		"größe – 大":                            "größe – 大",
		"\x1b[31mred\x1b[0m \x1b[2Kclear":      "red clear",
		"10%\r50%\r100%\r":                     "100%",
		"nul\x00 bell\x07":                     `nul\u0000 bell\u0007`,
		"\xff\xfe broken":                      `\xff\xfe broken`,
		"title \x1b]0;evil\x07 \u202eright":    `title \u001b]0;evil\u0007 \u202eright`,
		"cut rune \xe5\xa4":                    `cut rune \xe5\xa4`,
		"windows\r\n":                          "windows",
		"replacement \ufffd is a character":    "replacement \ufffd is a character",
		"private \ue000 and \U000e0001 hidden": `private \ue000 and \ue0001 hidden`,
	} {
		if got := readable([]byte(in)); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", maxLineBytes)
	got := shorten(long, 5)
	if want := strings.Repeat("ä", maxLineBytes/2) + fmt.Sprintf("… [%d bytes more]", maxLineBytes+5); got != want {
		t.Errorf("got %d bytes ending in %q", len(got), got[len(got)-30:])
	}
	if got := shorten("short", 0); got != "short" {
		t.Errorf("got %q", got)
	}
}

// TestBuildLog_bounded writes a line of 10 MB and a hundred thousand lines, and wants neither to be kept.
func TestBuildLog_bounded(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	updates := make(chan *client.SolveStatus)
	step := digest.FromString("step")
	log := newBuildLog(newRedactor(hidingWords("a-secret-word")...), nil)
	done := make(chan struct{})
	go func() { defer close(done); log.follow(updates) }()
	send := func(data []byte) {
		updates <- &client.SolveStatus{Logs: []*client.VertexLog{{Vertex: step, Stream: 1, Data: data}}}
	}
	block := bytes.Repeat([]byte("x"), 32<<10)
	for range 320 {
		send(block)
	}
	send([]byte("\n"))
	lines := append(bytes.Repeat([]byte("one of so many lines\n"), 999), "a line that says a-secret-word https://user:pass@host/\n"...)
	var before int64
	for i := range 100 {
		if send(lines); i == 10 {
			send(nil) // received, so the lines before have been dealt with
			before = heap()
		}
	}
	send(nil)
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("the log grew the heap by %d bytes", grown)
	}
	close(updates)
	<-done
	_, kept := log.failed(step.String())
	if len(kept) != maxTailLines || kept[maxTailLines-1] != "a line that says *** https://user:pass@host/" {
		t.Errorf("%d lines, the last %q", len(kept), kept[maxTailLines-1])
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestBuildLog_observe(t *testing.T) {
	t.Parallel()
	var got []string
	log := newBuildLog(newRedactor(hidingWords("hunter22")...), func(step, line string) { got = append(got, step+": "+line) })
	updates := make(chan *client.SolveStatus, 10)
	id, hidden := digest.FromString("x"), digest.FromString("y")
	at := func(seconds int) *time.Time { when := time.Unix(int64(seconds), 0); return &when }
	updates <- &client.SolveStatus{Vertexes: []*client.Vertex{
		{Digest: id, Name: "[linux/arm64] " + stepPip},
		{Digest: hidden, Name: "prepare: requirements.txt", Started: at(1), Completed: at(2)},
		{Digest: digest.FromString("z"), Name: stepProbe, Started: at(1), Completed: at(1), Cached: true},
	}}
	updates <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: id, Name: "[linux/arm64] " + stepPip, Started: at(1)}}}
	updates <- &client.SolveStatus{Logs: []*client.VertexLog{
		{Vertex: id, Stream: 1, Data: []byte("out ")},
		{Vertex: id, Stream: 2, Data: []byte("err hunter22\n")},
		{Vertex: id, Stream: 1, Data: []byte("and more\nthe end")},
	}}
	updates <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: id, Name: "[linux/arm64] " + stepPip, Started: at(1), Completed: at(4), Error: "exit code: 1 hunter22"}}}
	close(updates)
	log.follow(updates)
	want := []string{
		stepProbe + ": cached",
		"[linux/arm64] " + stepPip + ": started",
		"[linux/arm64] " + stepPip + ": err ***",
		"[linux/arm64] " + stepPip + ": out and more",
		"[linux/arm64] " + stepPip + ": the end",
		"[linux/arm64] " + stepPip + ": failed: exit code: 1 ***",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, asked := range []string{id.String(), ""} { // by its digest, and as the step that failed last
		step, lines := log.failed(asked)
		if diff := cmp.Diff([]string{"err ***", "out and more", "the end"}, lines); step != stepPip || diff != "" {
			t.Errorf("step %q, lines\n%s", step, diff)
		}
	}
}
