package httpx_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/managed-images/terraform-provider-rime/internal/httpx"
)

// script is a server that gives one outcome after the other, and the last one for ever.
type script struct {
	outcomes []outcome
	asked    []time.Time
	bodies   []string
}

type outcome struct {
	status int
	header http.Header
	err    error
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	body := ""
	if req.Body != nil {
		sent, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		body = string(sent)
	}
	o := s.outcomes[min(len(s.asked), len(s.outcomes)-1)]
	s.asked, s.bodies = append(s.asked, time.Now()), append(s.bodies, body)
	if o.err != nil {
		return nil, o.err
	}
	header := o.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: o.status, Header: header, Body: io.NopCloser(strings.NewReader("words")), Request: req}, nil
}

func request(t *testing.T, ctx context.Context, method, body string) *http.Request {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://rime.test/v1/images", reader)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

var (
	errReset   = &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	errRefused = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
)

func TestRetry_whatIsRepeated(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		outcome outcome
		// attempts of a request that may be repeated, and of one that may not.
		idempotent, other int
	}{
		"success":                    {outcome{status: 200}, 1, 1},
		"400":                        {outcome{status: 400}, 1, 1},
		"401":                        {outcome{status: 401}, 1, 1},
		"404":                        {outcome{status: 404}, 1, 1},
		"409":                        {outcome{status: 409}, 1, 1},
		"501":                        {outcome{status: 501}, 1, 1},
		"408":                        {outcome{status: 408}, 4, 1},
		"500":                        {outcome{status: 500}, 4, 1},
		"502":                        {outcome{status: 502}, 4, 1},
		"503":                        {outcome{status: 503}, 4, 1},
		"504":                        {outcome{status: 504}, 4, 1},
		"429 did nothing":            {outcome{status: 429}, 4, 4},
		"no connection came about":   {outcome{err: errRefused}, 4, 4},
		"no connection to the proxy": {outcome{err: &net.OpError{Op: "proxyconnect", Err: errReset}}, 4, 4},
		"the connection was lost":    {outcome{err: errReset}, 4, 1},
		"the answer was cut short":   {outcome{err: io.ErrUnexpectedEOF}, 4, 1},
		"nobody has that name":       {outcome{err: &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}}, 1, 1},
		"the name server is busy":    {outcome{err: &net.OpError{Op: "dial", Err: &net.DNSError{IsTemporary: true}}}, 4, 4},
		"the caller gave up":         {outcome{err: context.Canceled}, 1, 1},
		"plain http on a TLS port":   {outcome{err: http.ErrSchemeMismatch}, 1, 1},
		"too large":                  {outcome{err: httpx.ErrAnswerTooLarge}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				marked := request(t, t.Context(), http.MethodPost, "{}")
				httpx.Idempotent(marked)
				for method, one := range map[string]struct {
					req  *http.Request
					want int
				}{
					"GET":         {request(t, t.Context(), http.MethodGet, ""), test.idempotent},
					"DELETE":      {request(t, t.Context(), http.MethodDelete, ""), test.idempotent},
					"marked POST": {marked, test.idempotent},
					"POST":        {request(t, t.Context(), http.MethodPost, "{}"), test.other},
				} {
					server := &script{outcomes: []outcome{test.outcome}}
					retry := &httpx.Retry{Next: server, Retries: 3, Delay: time.Second}
					resp, err := retry.RoundTrip(one.req)
					if err == nil {
						_ = resp.Body.Close()
					}
					if (err == nil) != (test.outcome.err == nil) {
						t.Errorf("%s: %v", method, err)
					}
					if len(server.asked) != one.want {
						t.Errorf("%s: %d attempts, want %d", method, len(server.asked), one.want)
					}
				}
			})
		})
	}
}

func TestRetry_untilItSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &script{outcomes: []outcome{{status: 503}, {err: errReset}, {status: 200}}}
		req := request(t, t.Context(), http.MethodPost, `{"pageSize":100}`)
		httpx.Idempotent(req)
		resp, err := (&httpx.Retry{Next: server, Retries: 4, Delay: time.Second}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || len(server.bodies) != 3 {
			t.Fatalf("status %d after %d attempts", resp.StatusCode, len(server.bodies))
		}
		for _, body := range server.bodies {
			if body != `{"pageSize":100}` {
				t.Errorf("an attempt sent %q", body)
			}
		}
	})
}

func TestRetry_backOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &script{outcomes: []outcome{{status: 503}}}
		resp, err := (&httpx.Retry{Next: server, Retries: 8, Delay: 250 * time.Millisecond}).RoundTrip(request(t, t.Context(), http.MethodGet, ""))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		limit := 250 * time.Millisecond
		for i := range len(server.asked) - 1 {
			pause := server.asked[i+1].Sub(server.asked[i])
			if pause < limit/2 || pause > limit {
				t.Errorf("pause %d is %s, want it between %s and %s", i+1, pause, limit/2, limit)
			}
			limit = min(2*limit, 10*time.Second)
		}
	})
}

func TestRetry_retryAfter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after    string
		skew     time.Duration
		attempts int
		pause    time.Duration // at least; at most a second more
	}{
		"seconds":                     {after: "7", attempts: 2, pause: 7 * time.Second},
		"zero":                        {after: "0", attempts: 2},
		"negative":                    {after: "-5", attempts: 2},
		"nonsense":                    {after: "soon", attempts: 2},
		"more than is waited":         {after: "61", attempts: 1},
		"more than a number":          {after: "99999999999999999999", attempts: 1},
		"more than a duration":        {after: "999999999999", attempts: 1},
		"a date":                      {after: "Sat, 01 Jan 2000 00:00:20 GMT", attempts: 2, pause: 20 * time.Second},
		"a date by the server's time": {after: "Sat, 01 Jan 2000 00:05:20 GMT", skew: 5 * time.Minute, attempts: 2, pause: 20 * time.Second},
		"a date gone by":              {after: "Sat, 01 Jan 1999 00:00:00 GMT", attempts: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // begins at midnight UTC 2000-01-01
				server := &script{outcomes: []outcome{{status: 429, header: http.Header{"Retry-After": {test.after}}}, {status: 200}}}
				retry := &httpx.Retry{Next: server, Retries: 3, Delay: time.Second, Now: func() time.Time { return time.Now().Add(test.skew) }}
				resp, err := retry.RoundTrip(request(t, t.Context(), http.MethodPost, "{}"))
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if len(server.asked) != test.attempts {
					t.Fatalf("%d attempts, want %d", len(server.asked), test.attempts)
				}
				if test.attempts == 1 {
					return
				}
				if pause := server.asked[1].Sub(server.asked[0]); pause < test.pause || pause > test.pause+time.Second {
					t.Errorf("waited %s, want %s", pause, test.pause)
				}
			})
		})
	}
}

func TestRetry_deadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		server := &script{outcomes: []outcome{{status: 503, header: http.Header{"Retry-After": {"4"}}}}}
		resp, err := (&httpx.Retry{Next: server, Retries: 100, Delay: time.Second}).RoundTrip(request(t, ctx, http.MethodGet, ""))
		if err != nil {
			t.Fatalf("the server's last word is lost: %v", err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || len(server.asked) != 3 || ctx.Err() != nil {
			t.Errorf("status %d after %d attempts, %v", resp.StatusCode, len(server.asked), ctx.Err())
		}
	})
}

func TestRetry_interrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(3*time.Second, func() { cancel(why) })
		server := &script{outcomes: []outcome{{status: 503, header: http.Header{"Retry-After": {"30"}}}}}
		began := time.Now()
		resp, err := (&httpx.Retry{Next: server, Retries: 100, Delay: time.Second}).RoundTrip(request(t, ctx, http.MethodGet, ""))
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, why) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

func TestRetry_bodyThatCannotBeSentTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &script{outcomes: []outcome{{status: 429}}}
		req := request(t, t.Context(), http.MethodPost, "{}")
		req.GetBody = nil
		resp, err := (&httpx.Retry{Next: server, Retries: 3, Delay: time.Second}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusTooManyRequests || len(server.asked) != 1 {
			t.Errorf("status %d after %d attempts", resp.StatusCode, len(server.asked))
		}
	})
}

// TestIdempotent_staysOffTheWire shows that the mark is only for us and for net/http.
func TestIdempotent_staysOffTheWire(t *testing.T) {
	t.Parallel()
	var seen atomic.Pointer[http.Header]
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { seen.Store(&r.Header) })
	req := request(t, t.Context(), http.MethodPost, "{}")
	req.URL.Scheme, req.URL.Host = "http", server.Listener.Addr().String()
	httpx.Idempotent(req)
	resp, err := transport(t).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if _, sent := (*seen.Load())["Idempotency-Key"]; sent {
		t.Error("the mark was sent")
	}
}

// TestOutlive finds that a context goes on for a caller who is gone, as long as it may and no longer.
func TestOutlive(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ interrupted, cancelled, want time.Duration }{
		"its whole time":       {time.Hour, time.Hour, time.Minute},
		"a grace":              {10 * time.Second, time.Hour, 12 * time.Second},
		"no longer than whole": {59 * time.Second, time.Hour, time.Minute},
		"gone from the start":  {0, time.Hour, 2 * time.Second},
		"done":                 {time.Hour, time.Second, time.Second},
		"done in its grace":    {10 * time.Second, 11 * time.Second, 11 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, stop := context.WithTimeout(t.Context(), test.interrupted)
				defer stop()
				outliving, cancel := httpx.Outlive(ctx, time.Minute, 2*time.Second)
				end := time.AfterFunc(test.cancelled, cancel)
				defer end.Stop()
				<-outliving.Done()
				if lasted := time.Since(began); lasted != test.want {
					t.Errorf("it lasted %s, want %s", lasted, test.want)
				}
				cancel()
			})
		})
	}
}
