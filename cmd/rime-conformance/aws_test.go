package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/managed-images/terraform-provider-rime/internal/workbench/workbenchtest"
)

// serves tells this program that it is a script that serves a stand-in of AWS, as serve_moto.py does.
const serves = "RIME_CONFORMANCE_TEST_SERVES"

// serveSandbox serves our own stand-in in the place of moto, until the end of standard input.
func serveSandbox() error {
	a, stop, err := startSandbox()
	if err != nil {
		return err
	}
	defer stop()
	fmt.Println(a.url)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func newSandbox(t *testing.T) *account {
	t.Helper()
	a, stop, err := startSandbox()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return a
}

// Two of our stand-ins answer alike, whatever they choose by themselves, so that every known difference is one too many.
func TestCompareAWS_sandboxItself(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	known := 0
	for _, d := range differences {
		known += len(d.steps)
	}
	err := (&conformance{out: log.New(&out, "", 0)}).compareAWS(t.Context(), newSandbox(t), newSandbox(t))
	if want := fmt.Sprintf("differ in %d ways", known); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if strings.Contains(out.String(), "not known") {
		t.Error(out.String())
	}
	if n := strings.Count(out.String(), "no difference any more"); n != known {
		t.Errorf("%d differences are no more, want %d:\n%s", n, known, out.String())
	}
}

// A name stands for one step, and only steps that there are can differ.
func TestSteps(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range allSteps() {
		if slices.Contains(names, s.name) {
			t.Errorf("two steps are called %q", s.name)
		}
		names = append(names, s.name)
	}
	for _, d := range differences {
		for _, step := range d.steps {
			if !slices.Contains(names, step) {
				t.Errorf("no step is called %q", step)
			}
		}
	}
}

func TestExpect(t *testing.T) {
	t.Parallel()
	known := []difference{
		{[]string{"one", "two"}, "error", sandboxRight, "for a reason"},
		{[]string{"three"}, "filters[]", sandboxRight, "for another"},
	}
	found := func(d ...deviation) []deviation { return d }
	one, two, three := deviation{"one", "error", "A", "B"}, deviation{"two", "error", "A", "B"}, deviation{"three", "filters[].name", "A", "B"}
	for name, tc := range map[string]struct {
		found []deviation
		want  []string
	}{
		"as known":           {found(one, two, three), nil},
		"not any more":       {found(one, three), []string{"no difference any more, so take it off the list: two, error (for a reason)"}},
		"another step":       {found(one, two, three, deviation{"four", "error", "A", "nothing"}), []string{"not known: four, error: the sandbox says A, moto says nothing"}},
		"another field":      {found(one, two, three, deviation{"three", "name", "A", "B"}), []string{"not known: three, name: the sandbox says A, moto says B"}},
		"a field less":       {found(one, two), []string{"no difference any more, so take it off the list: three, filters[] (for another)"}},
		"two fields for one": {found(one, two, three, deviation{"three", "filters[].type", "A", "B"}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := expect(tc.found, known); !slices.Equal(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// What is compared is what an answer means.
func TestDeviations(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sandbox, moto string
		want          []string
	}{
		"alike":               {`{"A": {"B": ["x", "y"]}, "ResultMetadata": {"a": 1}}`, `{"A": {"B": ["y", "x"]}}`, nil},
		"nothing said":        {`{"A": null, "B": "", "C": 0, "D": []}`, `{}`, nil},
		"times, identifiers":  {`{"A": "2026-11-22T01:02:03Z", "B": "AROA1234567890ABCDEFG"}`, `{"A": "2025-01-02T03:04:05.678Z", "B": "AROAGFEDCBA0987654321"}`, nil},
		"a document":          {`{"A": "%7B%22b%22%3A1%2C%22a%22%3A%222%2B%22%7D"}`, `{"A": "{\"a\": \"2+\",\n \"b\": 1}"}`, nil},
		"another document":    {`{"A": "{\"a\":1}"}`, `{"A": "{\"a\":2}"}`, []string{`s, A: the sandbox says {"a":1}, moto says {"a":2}`}},
		"a value":             {`{"A": [{"B": 1}, {"B": 2}]}`, `{"A": [{"B": 2}, {"B": 3}]}`, []string{"s, A[].B: the sandbox says 1, 2, moto says 2, 3"}},
		"a field":             {`{"A": true}`, `{"B": false}`, []string{"s, A: the sandbox says true, moto says nothing", "s, B: the sandbox says nothing, moto says false"}},
		"no time":             {`{"A": "2026-11-22T01:02:03Z"}`, `{"A": "yesterday"}`, []string{"s, A: the sandbox says (a time), moto says yesterday"}},
		"an error":            {`{"error": "NoSuchEntity"}`, `{"A": 1}`, []string{"s, error: the sandbox says NoSuchEntity, moto says nothing"}},
		"secrets of any form": {`{"Password": "x"}`, `{"Password": "y"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, d := range deviations("s", meaningOf([]byte(tc.sandbox)), meaningOf([]byte(tc.moto))) {
				got = append(got, d.String())
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// moto is started, disagrees where it is no moto, and is gone in the end.
func TestStartMoto(t *testing.T) {
	t.Parallel()
	python := standIn(t, "true", serves+`=1 exec "$TEST_BINARY"`)
	a, stop, err := startMoto(t.Context(), python, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.ecr.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{}); err != nil {
		t.Error(err)
	}
	expectEnded := workbenchtest.Connect(t, hostOf(t, a.url))
	stop()
	expectEnded()
	if _, _, err := startMoto(t.Context(), standIn(t, "true", "echo no such module >&2; exit 1"), t.TempDir()); err == nil || !strings.Contains(err.Error(), "no such module") {
		t.Errorf("error %v", err)
	}
}

// A scenario that holds is told as such, and so is one that does not.
func TestPlay(t *testing.T) {
	t.Parallel()
	binary, err := provider()
	if err != nil {
		t.Fatal(err)
	}
	tf, err := newTerraform(t.Context(), t.TempDir(), binary)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	told, a := log.New(&out, "", 0), newSandbox(t)
	if err := tf.play(t.Context(), a, told, "data", "reads", reading); err != nil || out.String() != "    ok      reads\n" {
		t.Errorf("%v\n%s", err, out.String())
	}
	for _, lack := range lacking { // our stand-in does not
		out.Reset()
		err := tf.play(t.Context(), a, told, lack.name, "lacks", func(ctx context.Context, s *scene) error { return lack.stillLacks(ctx, s) })
		if err == nil || !strings.Contains(out.String(), "FAILED  lacks: it succeeded, and was to fail: "+lack.words) {
			t.Errorf("%s: %v\n%s", lack.name, err, out.String())
		}
	}
}
