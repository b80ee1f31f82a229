package fault_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/fault"
)

const page = "hello from behind the gate"

// standIn answers every request with the page and tells which requests reached it.
func standIn(t *testing.T, rules ...fault.Rule) (gate *fault.Gate, url string, reached func() []string) {
	t.Helper()
	gate = &fault.Gate{}
	if err := gate.SetFaults(rules...); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(gate.Wrap("thing", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Method+" "+r.URL.Path)
		_, _ = io.WriteString(w, page)
	})))
	t.Cleanup(server.Close)
	return gate, server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}

type outcome struct {
	status int
	header http.Header
	body   string
	err    error
}

// do sends one request on a connection of its own: a broken connection must not become the next request's.
func do(t *testing.T, method, url string) outcome {
	t.Helper()
	var sent io.Reader
	if method == http.MethodPut { // more than a server reads of its own accord once it has answered
		sent = strings.NewReader(strings.Repeat("x", 1<<20))
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, sent)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return outcome{response.StatusCode, response.Header, string(body), err}
}

func TestGate_status(t *testing.T) {
	t.Parallel()
	gate, url, reached := standIn(t, fault.Rule{
		Method: http.MethodPut, Path: "^/v2/.*/blobs", Status: http.StatusTooManyRequests, RetryAfter: "3",
		Headers: map[string]string{"X-Reason": "quota"}, JSON: json.RawMessage(`{"errors":[]}`),
	})
	got := do(t, http.MethodPut, url+"/v2/a/blobs/1")
	if got.err != nil || got.status != http.StatusTooManyRequests || got.body != `{"errors":[]}` ||
		got.header.Get("Retry-After") != "3" || got.header.Get("X-Reason") != "quota" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %+v", got)
	}
	for _, other := range []outcome{do(t, http.MethodGet, url+"/v2/a/blobs/1"), do(t, http.MethodPut, url+"/v2/a/manifests/1")} {
		if other.err != nil || other.body != page {
			t.Errorf("a request that does not match got %+v", other)
		}
	}
	if len(reached()) != 2 {
		t.Errorf("reached: %v", reached())
	}
	requests := gate.Requests()
	if len(requests) != 3 || !requests[0].Fault || requests[0].Status != http.StatusTooManyRequests || requests[1].Fault ||
		requests[1].Status != http.StatusOK || requests[0].Service != "thing" || requests[0].Path != "/v2/a/blobs/1" {
		t.Errorf("requests: %+v", requests)
	}
	if n := gate.Count(http.MethodPut, "/blobs/"); n != 1 {
		t.Errorf("counted %d", n)
	}
	if n := gate.Count("", ""); n != 3 {
		t.Errorf("counted %d of all", n)
	}
	gate.Forget()
	if left := gate.Requests(); len(left) != 0 {
		t.Errorf("not forgotten: %v", left)
	}
}

func TestGate_html(t *testing.T) {
	t.Parallel()
	_, url, _ := standIn(t, fault.Rule{Status: http.StatusBadGateway, Body: "<html><body>upstream is gone</body></html>"})
	got := do(t, http.MethodGet, url)
	if got.status != http.StatusBadGateway || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || !strings.Contains(got.body, "upstream") {
		t.Errorf("got %+v", got)
	}
}

func TestGate_nthAndTimes(t *testing.T) {
	t.Parallel()
	_, url, _ := standIn(t,
		fault.Rule{Path: "/a", Nth: 2, Times: 2, Status: 503},
		fault.Rule{Path: "/a", Nth: 3, Times: 2, Status: 500}, // its third is the first rule's too; the fourth is its own
	)
	var got []int
	for range 5 {
		got = append(got, do(t, http.MethodGet, url+"/a").status)
		do(t, http.MethodGet, url+"/other")
	}
	if want := []int{200, 503, 503, 500, 200}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestGate_service(t *testing.T) {
	t.Parallel()
	_, url, _ := standIn(t, fault.Rule{Service: "other", Status: 500})
	if got := do(t, http.MethodGet, url); got.status != http.StatusOK {
		t.Errorf("a rule for another service applied: %+v", got)
	}
}

func TestGate_reset(t *testing.T) {
	t.Parallel()
	gate, url, reached := standIn(t, fault.Rule{Reset: true, Times: 1})
	if got := do(t, http.MethodPost, url); !errors.Is(got.err, syscall.ECONNRESET) {
		t.Errorf("got %+v: %v, want a reset connection", got, got.err)
	}
	if len(reached()) != 0 {
		t.Errorf("the stand-in saw the request: %v", reached())
	}
	if got := do(t, http.MethodPost, url); got.body != page {
		t.Errorf("afterwards: %+v", got)
	}
	if first := gate.Requests()[0]; first.Status != 0 || !first.Fault {
		t.Errorf("recorded as %+v", first)
	}
}

func TestGate_truncate(t *testing.T) {
	t.Parallel()
	for truncate, want := range map[int]string{5: "hello", -1: ""} {
		_, url, _ := standIn(t, fault.Rule{Truncate: truncate})
		got := do(t, http.MethodGet, url)
		if !errors.Is(got.err, io.ErrUnexpectedEOF) || got.status != http.StatusOK || got.body != want {
			t.Errorf("truncate %d: got %+v", truncate, got)
		}
	}
}

func TestGate_dropAnswer(t *testing.T) {
	t.Parallel()
	_, url, reached := standIn(t, fault.Rule{DropAnswer: true, Times: 1})
	if got := do(t, http.MethodPost, url+"/create"); got.err == nil {
		t.Errorf("got an answer: %+v", got)
	}
	if len(reached()) != 1 {
		t.Errorf("the work was not done: %v", reached())
	}
}

func TestGate_delayAndLatency(t *testing.T) {
	t.Parallel()
	gate, url, reached := standIn(t, fault.Rule{Path: "/slow", Delay: fault.Duration(150 * time.Millisecond)})
	gate.SetLatency(50 * time.Millisecond)
	for path, want := range map[string]time.Duration{"/slow": 200 * time.Millisecond, "/": 50 * time.Millisecond} {
		began := time.Now()
		if got := do(t, http.MethodGet, url+path); got.body != page {
			t.Errorf("got %+v", got)
		}
		if took := time.Since(began); took < want {
			t.Errorf("%s took %s, want at least %s", path, took, want)
		}
	}
	if len(reached()) != 2 {
		t.Errorf("reached: %v", reached())
	}
}

func TestGate_invalidRulesLeaveTheOldOnes(t *testing.T) {
	t.Parallel()
	gate, url, _ := standIn(t, fault.Rule{Status: 503})
	if err := gate.SetFaults(fault.Rule{Status: 500}, fault.Rule{Path: "("}); err == nil || !strings.Contains(err.Error(), "fault rule 2: path") {
		t.Errorf("got %v", err)
	}
	if got := do(t, http.MethodGet, url); got.status != 503 {
		t.Errorf("got %+v", got)
	}
}
