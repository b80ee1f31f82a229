package primehub

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// Path is where the API is (contract §1.1): exactly there, without a slash at its end.
const Path = "/api/graphql"

// How large a body may be, by its encoding.
const (
	maxJSON = 1 << 20
	maxForm = 56 << 10
)

func (p *Platform) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(Path, p.serveGraphQL)
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "OK") })
	mux.HandleFunc("GET "+logPath("{id}"), p.serveLog)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusNotFound, "Not Found") })
	return mux
}

// request is one operation to execute.
type request struct {
	Query         string          `json:"query"`
	Variables     json.RawMessage `json:"variables"`
	OperationName string          `json:"operationName"`
}

// httpError is an answer that is none of GraphQL.
type httpError struct {
	status      int
	contentType string
	text        string
}

func (e *httpError) Error() string { return e.text }

func plain(status int, text string) error {
	return &httpError{status, "text/plain; charset=utf-8", text}
}

func (p *Platform) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	requests, batch, err := readRequests(r)
	if refused, ok := errors.AsType[*httpError](err); ok {
		w.Header().Set("Content-Type", refused.contentType)
		w.WriteHeader(refused.status)
		_, _ = io.WriteString(w, refused.text) // an error means that the client has gone
		return
	}
	status, body := p.answer(r, requests, batch)
	if text, ok := body.(string); ok {
		writeText(w, status, text)
		return
	}
	writeJSON(w, status, body)
}

// readRequests reads what a request asks for. It returns nothing if there is nothing that it asks for in a way that is understood.
func readRequests(r *http.Request) (requests []request, batch bool, err error) {
	switch r.Method {
	case http.MethodGet:
		return []request{fromValues(r.URL.Query())}, false, nil
	case http.MethodPost:
	default:
		return nil, false, plain(http.StatusMethodNotAllowed, "Method Not Allowed")
	}
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch contentType {
	case "application/json":
		body, err := readBody(r, maxJSON)
		if err != nil {
			return nil, false, err
		}
		return fromJSON(body)
	case "application/x-www-form-urlencoded":
		body, err := readBody(r, maxForm)
		if err != nil {
			return nil, false, err
		}
		values, err := url.ParseQuery(string(body))
		if err != nil || len(values) == 0 {
			return nil, false, nil //nolint:nilerr // to the server, it is as if nothing had been sent
		}
		return []request{fromValues(values)}, false, nil
	}
	return nil, false, nil
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, plain(http.StatusBadRequest, "Bad Request")
	}
	if int64(len(body)) > limit {
		_, _ = io.Copy(io.Discard, r.Body) // so that the client gets to see the answer
		return nil, plain(http.StatusRequestEntityTooLarge, "Payload Too Large")
	}
	return body, nil
}

func fromValues(values url.Values) request {
	return request{values.Get("query"), json.RawMessage(values.Get("variables")), values.Get("operationName")}
}

func fromJSON(body []byte) (requests []request, batch bool, err error) {
	body = bytes.TrimSpace(body)
	batch = bytes.HasPrefix(body, []byte("["))
	if batch {
		err = json.Unmarshal(body, &requests)
	} else if len(body) > 0 {
		requests = make([]request, 1)
		err = json.Unmarshal(body, &requests[0])
	}
	if err != nil {
		text, _ := json.Marshal(map[string]string{"code": codeInternal, "message": err.Error()}) // strings can be encoded
		return nil, false, &httpError{http.StatusBadRequest, "application/json", string(text)}
	}
	if bytes.Equal(body, []byte("{}")) {
		requests = nil
	}
	return requests, batch, nil
}

// answer authenticates and executes, while nothing else can happen. A string is an answer that is no JSON.
func (p *Platform) answer(r *http.Request, requests []request, batch bool) (status int, body any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.catchUp()
	who, err := p.authenticate(r.Header.Get("Authorization"), now)
	if refused, ok := errors.AsType[*refusal](err); ok {
		refused = refuse(refused.code, "Context creation failed: %s", refused.message)
		return http.StatusInternalServerError, graphQLAnswer{Errors: []wireError{refused.wire()}}
	}
	if len(requests) == 0 {
		return http.StatusInternalServerError, "POST body missing. Did you forget use body-parser middleware?"
	}
	answers := make([]json.Marshaler, 0, len(requests))
	for _, request := range requests {
		// A request has its own context, also in a batch.
		c := &call{caller: who, now: now, host: p.host(r), verdicts: map[string]bool{}}
		var answer graphQLAnswer
		status, answer = p.execute(c, request, r.Method)
		if status == http.StatusMethodNotAllowed {
			return status, "GET supports only query operation"
		}
		answers = append(answers, answer)
	}
	if batch {
		return http.StatusOK, answers
	}
	return status, answers[0]
}

// host is the address that the platform believes to have.
func (p *Platform) host(r *http.Request) string {
	if p.options.Host != "" {
		return strings.TrimSuffix(p.options.Host, "/")
	}
	return "http://" + r.Host
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // an error means that the client has gone
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // as above
}
