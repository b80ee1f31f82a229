package fault_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

func TestParse(t *testing.T) {
	t.Parallel()
	rules, err := fault.Parse(strings.NewReader(`[
		{"service": "oci_registry", "method": "PUT", "path": "/manifests/", "nth": 2, "times": 1,
		 "delay": "1.5s", "status": 429, "retry_after": "1", "json": {"errors": [{"code": "TOOMANYREQUESTS"}]}},
		{"reset": true}, {"truncate": 10}, {"drop_answer": true}, {"status": 502, "body": "<html>", "headers": {"Via": "proxy"}}
	]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []fault.Rule{
		{
			Service: "oci_registry", Method: http.MethodPut, Path: "/manifests/", Nth: 2, Times: 1,
			Delay: fault.Duration(1500 * time.Millisecond), Status: 429, RetryAfter: "1", JSON: json.RawMessage(`{"errors": [{"code": "TOOMANYREQUESTS"}]}`),
		},
		{Reset: true},
		{Truncate: 10},
		{DropAnswer: true},
		{Status: 502, Body: "<html>", Headers: map[string]string{"Via": "proxy"}},
	}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	text, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	again, err := fault.Parse(strings.NewReader(string(text)))
	if err != nil || len(again) != len(want) || again[0].Delay != want[0].Delay {
		t.Errorf("what it writes it does not read: %v %s", err, text)
	}
}

func TestParse_refusesWhatWouldDoNothing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[{"stauts": 500}]`:                          `unknown field "stauts"`,
		`[{"path": "/a"}]`:                           "rule 1: it does nothing",
		`[{"reset": true}, {"path": "("}]`:           "rule 2: path",
		`[{"reset": true, "status": 500}]`:           "only one of",
		`[{"delay": 5}]`:                             `a string like "250ms"`,
		`[{"delay": "5 minutes"}]`:                   "time:",
		`[{"delay": "1s", "body": "x"}]`:             "belong to a status",
		`[{"status": 500, "body": "x", "json": {}}]`: "not both",
		`[{"status": 50}]`:                           "status 50",
		`[{"status": 500, "nth": -1}]`:               "negative",
		`[{"status": 500, "method": "get"}]`:         `"get" is no method`,
		`{"status": 500}`:                            "cannot unmarshal object",
		`[] []`:                                      "something follows",
	} {
		if _, err := fault.Parse(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	gate, url, _ := standIn(t)
	control := httptest.NewServer(gate.Control())
	t.Cleanup(control.Close)
	send := func(method, path, body string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, control.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Client{}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}

	if status, text := send(http.MethodGet, "/faults", ""); status != http.StatusOK || strings.TrimSpace(text) != "[]" {
		t.Errorf("GET /faults: %d %s", status, text)
	}
	if status, text := send(http.MethodPut, "/faults", `[{"status": 503, "times": 1}]`); status != http.StatusNoContent {
		t.Errorf("PUT /faults: %d %s", status, text)
	}
	if status, text := send(http.MethodPut, "/faults", `[{"sttaus": 503}]`); status != http.StatusBadRequest || !strings.Contains(text, "sttaus") {
		t.Errorf("PUT /faults of nonsense: %d %s", status, text)
	}
	if status, text := send(http.MethodGet, "/faults", ""); status != http.StatusOK || !strings.Contains(text, `"status":503`) {
		t.Errorf("GET /faults: %d %s", status, text)
	}
	if first, second := do(t, http.MethodGet, url+"/x"), do(t, http.MethodGet, url+"/x"); first.status != 503 || second.status != 200 {
		t.Errorf("got %d, %d", first.status, second.status)
	}
	_, text := send(http.MethodGet, "/requests", "")
	var listed struct{ Requests []fault.Request }
	if err := json.Unmarshal([]byte(text), &listed); err != nil || len(listed.Requests) != 2 || listed.Requests[0].Status != 503 {
		t.Errorf("GET /requests: %v %s", err, text)
	}
	for _, path := range []string{"/requests", "/faults"} {
		if status, text := send(http.MethodDelete, path, ""); status != http.StatusNoContent {
			t.Errorf("DELETE %s: %d %s", path, status, text)
		}
	}
	if len(gate.Requests()) != 0 || len(gate.Faults()) != 0 {
		t.Errorf("left: %v %v", gate.Requests(), gate.Faults())
	}
}
