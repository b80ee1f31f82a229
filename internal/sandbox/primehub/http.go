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

// Path is where the API is (internal/primehub/CONTRACT.md §1.1): exactly there, without a slash at its end.
const Path = "/api/graphql"

// How large a body may be, by its encoding.
const (
	maxJSON = 1 << 20
	maxForm = 56 << 10
)

func (p *Platform) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(Path, p.serveGraphQL)
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) { plain(http.StatusOK, "OK").write(w) })
	mux.HandleFunc("GET "+logPath("{id}"), p.serveLog)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { plain(http.StatusNotFound, "Not Found").write(w) })
	return mux
}

// request is one operation to execute.
type request struct {
	Query         json.RawMessage `json:"query"`
	Variables     json.RawMessage `json:"variables"`
	OperationName string          `json:"operationName"`
}

func newRequest(document string, variables json.RawMessage, operationName string) request {
	query, _ := json.Marshal(document) // a string can be encoded
	return request{query, variables, operationName}
}

const noQuery = "Must provide query string."

// text is the document of a request. Empty for what JavaScript takes for nothing.
func (r request) text() string {
	var text string
	if json.Unmarshal(r.Query, &text) != nil {
		return ""
	}
	return text
}

// malformed says what is wrong with a request before anybody looks into its document. Empty when nothing is.
func (r request) malformed() string {
	query := string(bytes.TrimSpace(r.Query))
	nothing := query == "" || query == "null" || query == "false" || query == "0"
	if !nothing && query[0] != '"' {
		return "GraphQL queries must be strings."
	}
	if _, err := variablesOf(r); err != nil {
		return "Variables are invalid JSON."
	}
	return ""
}

// reply is an HTTP answer. As an error, it is one of a request that asks for nothing that could be executed.
type reply struct {
	status      int
	contentType string
	body        []byte
}

// Error implements error.
func (r *reply) Error() string { return string(r.body) }

const (
	jsonType = "application/json"
	textType = "text/plain; charset=utf-8"
)

func plain(status int, text string) *reply { return &reply{status, textType, []byte(text)} }

func (r *reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", r.contentType)
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // an error means that the client has gone
}

func (p *Platform) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	requests, batch, err := readRequests(r)
	if early, ok := errors.AsType[*reply](err); ok {
		early.write(w)
		return
	}
	p.answer(r, requests, batch).write(w)
}

// readRequests reads what a request asks for. It returns nothing if there is nothing that it asks for in a way that is understood.
func readRequests(r *http.Request) (requests []request, batch bool, err error) {
	switch r.Method {
	case http.MethodGet:
		return []request{fromValues(r.URL.Query())}, false, nil
	case http.MethodPost:
	case http.MethodOptions:
		return nil, false, &reply{status: http.StatusNoContent, contentType: textType}
	default:
		return nil, false, plain(http.StatusMethodNotAllowed, "Method Not Allowed")
	}
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch contentType {
	case jsonType:
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
		return nil, unread(http.StatusRequestEntityTooLarge, "request entity too large")
	}
	return body, nil
}

// unread refuses a body that is not read, in a form of its own.
func unread(status int, message string) *reply {
	text, _ := json.Marshal(map[string]string{"code": codeInternal, "message": message}) // strings can be encoded
	return &reply{status, jsonType, text}
}

func fromValues(values url.Values) request {
	return newRequest(values.Get("query"), json.RawMessage(values.Get("variables")), values.Get("operationName"))
}

func fromJSON(body []byte) (requests []request, batch bool, err error) {
	body = bytes.TrimSpace(body)
	batch = bytes.HasPrefix(body, []byte("["))
	switch {
	case batch:
		err = json.Unmarshal(body, &requests)
	case bytes.HasPrefix(body, []byte("{")):
		requests = make([]request, 1)
		err = json.Unmarshal(body, &requests[0])
	case len(body) > 0:
		err = errors.New("invalid JSON, only supports object and array")
	}
	if err != nil {
		return nil, false, unread(http.StatusBadRequest, err.Error())
	}
	if bytes.Equal(body, []byte("{}")) {
		requests = nil
	}
	return requests, batch, nil
}

// answer authenticates and executes, while nothing else can happen.
func (p *Platform) answer(r *http.Request, requests []request, batch bool) *reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.agenda.CatchUp()
	who, err := p.authenticate(r.Header.Get("Authorization"), now)
	if refused, ok := errors.AsType[*refusal](err); ok {
		refused = refuse(refused.code, "Context creation failed: %s", refused.message)
		_, answer := refusedAnswer(refused)
		return &reply{http.StatusInternalServerError, jsonType, answer.appendTo(nil)}
	}
	if len(requests) == 0 {
		return plain(http.StatusInternalServerError, "POST body missing. Did you forget use body-parser middleware?")
	}
	for _, request := range requests {
		if problem := request.malformed(); problem != "" {
			return plain(http.StatusBadRequest, problem)
		}
		if !batch && request.text() == "" {
			return plain(http.StatusBadRequest, noQuery)
		}
	}
	all := &reply{status: http.StatusOK, contentType: jsonType}
	for i, request := range requests {
		// A request has its own context, also in a batch.
		c := &call{caller: who, now: now, host: p.host(r), verdicts: map[string]bool{}}
		status, answer := p.execute(c, request, r.Method)
		switch {
		case status == http.StatusMethodNotAllowed:
			return plain(status, "GET supports only query operation")
		case !batch:
			return &reply{status, jsonType, answer.appendTo(nil)}
		case i > 0:
			all.body = append(all.body, ',')
		}
		all.body = answer.appendTo(all.body)
	}
	all.body = append(append([]byte("["), all.body...), ']')
	return all
}

// host is the address that the platform believes to have.
func (p *Platform) host(r *http.Request) string {
	if p.options.Host != "" {
		return strings.TrimSuffix(p.options.Host, "/")
	}
	return "http://" + r.Host
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		plain(http.StatusInternalServerError, err.Error()).write(w)
		return
	}
	(&reply{status, jsonType, text}).write(w)
}
