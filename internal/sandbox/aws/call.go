package aws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The formats.
const (
	jsonType  = "application/x-amz-json-1.1"
	queryType = "text/xml"
	ecrTarget = "AmazonEC2ContainerRegistry_V20150921."
)

var (
	contentTypes = map[string]string{ecrService: jsonType, iamService: queryType, stsService: queryType, codeArtifactService: "application/json"}
	// namespaces are those of the XML answers, which end with the version that requests name.
	namespaces = map[string]string{
		iamService: "https://iam.amazonaws.com/doc/2010-05-08/",
		stsService: "https://sts.amazonaws.com/doc/2011-06-15/",
	}
)

// call is one call of an operation.
type call struct {
	*http.Request
	service, name string
	id            string
	body          []byte // in JSON 1.1
	form          params // in the Query protocol and in REST
	by            *principal
	// errorType is the header with the code of an error, in REST.
	errorType string
}

// callOfRequest is where the context of a request has its call.
type callOfRequest struct{}

func callOf(r *http.Request) (*call, bool) {
	found, ok := r.Context().Value(callOfRequest{}).(*call)
	if ok {
		found.Request = r
	}
	return found, ok
}

// maxBody is more than any request of these services, and less than what would hurt.
const maxBody = 8 << 20

// named finds out what is called, and gives the request a path that says so.
func named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && (r.URL.Path == "/" || r.URL.Path == codeArtifactPath) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
			if err != nil {
				http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
				return
			}
			if found := identify(r, body); found != nil {
				r = r.WithContext(context.WithValue(r.Context(), callOfRequest{}, found))
				r.Body = http.NoBody
				path := *r.URL
				path.Path = "/" + found.service + "/" + found.name
				r.URL = &path
			}
		}
		next.ServeHTTP(w, r)
	})
}

// identify returns the call that a request makes, or nil.
func identify(r *http.Request, body []byte) *call {
	if name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), ecrTarget); ok {
		return &call{service: ecrService, name: name, body: body}
	}
	if r.URL.Path == codeArtifactPath {
		return &call{service: codeArtifactService, name: "GetAuthorizationToken", form: params{r.URL.Query()}}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") == "" {
		return nil
	}
	for service, namespace := range namespaces {
		if strings.HasSuffix(namespace, "/"+form.Get("Version")+"/") {
			return &call{service: service, name: form.Get("Action"), form: params{form}}
		}
	}
	return nil
}

func (c *call) isJSON() bool { return c.service == ecrService || c.isREST() }

func (c *call) isREST() bool { return c.service == codeArtifactService }

// refuse refuses what all services refuse, by the name that each protocol has for it.
func (c *call) refuse(query, inJSON, format string, args ...any) *refusal {
	if !c.isJSON() {
		return refuse(query, format, args...)
	}
	refused := refuse(inJSON, format, args...)
	refused.status = http.StatusBadRequest
	if c.isREST() {
		refused.status = restStatus(inJSON)
	}
	return refused
}

func (c *call) unknownOperation() error {
	if c.isJSON() {
		return refuse("UnknownOperationException", "rime-sandbox does not simulate the operation %s of ECR", c.name)
	}
	return refuse("InvalidAction", "Could not find operation %s for version %s", c.name, c.form.Get("Version"))
}

func (c *call) encodeError(err error) (status int, body []byte) {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		refused = c.refuse("ServiceFailure", "ServerException", "%v", err)
		refused.status = http.StatusInternalServerError
	}
	switch {
	case c.isREST():
		c.errorType = refused.code
		return refused.status, refused.restBody()
	case c.isJSON():
		return refused.status, refused.jsonBody()
	}
	return refused.status, refused.queryBody(namespaces[c.service], c.id)
}

// encode encodes the result of a call. Nil is one without content.
func (c *call) encode(result any) []byte {
	if c.isJSON() {
		if result == nil {
			return []byte("{}")
		}
		body, err := json.Marshal(result)
		if err != nil {
			panic(err) // a result is always a struct of ours
		}
		return body
	}
	var text strings.Builder
	encoder := xml.NewEncoder(&text)
	response := xml.StartElement{Name: xml.Name{Space: namespaces[c.service], Local: c.name + "Response"}}
	steps := []error{encoder.EncodeToken(response)}
	if result != nil {
		steps = append(steps, encoder.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: c.name + "Result"}}))
	}
	steps = append(steps,
		encoder.EncodeElement(struct {
			RequestID string `xml:"RequestId"`
		}{c.id}, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}),
		encoder.EncodeToken(response.End()), encoder.Flush())
	if err := errors.Join(steps...); err != nil {
		panic(err) // a result is always a struct of ours
	}
	return []byte(text.String())
}

// jsonOperation is an operation of ECR. Fields that it does not have are ignored, as ECR does.
func jsonOperation[In, Out any](do func(in In) (Out, error)) operation {
	return func(c *call) (any, error) {
		var in In
		if err := json.Unmarshal(c.body, &in); err != nil {
			return nil, refuse("SerializationException", "%v", err)
		}
		return do(in)
	}
}

// queryOperation is an operation of STS or IAM.
func queryOperation[Out any](do func(in params) (Out, error)) operation {
	return func(c *call) (any, error) { return do(c.form) }
}

// queryAction is an operation of IAM whose answer has no content.
func queryAction(do func(in params) error) operation {
	return func(c *call) (any, error) { return nil, do(c.form) }
}

// seconds is a time in JSON 1.1: seconds since 1970.
type seconds time.Time

// MarshalJSON implements [json.Marshaler].
func (s seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Time(s).UnixMilli()) / 1000)
}

// timestamp is a time in the Query protocol.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
