package primehub_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// graphQLError is the API's form of an error.
func graphQLError(code, message string) string {
	return `{"errors":[{"message":"` + message + `","extensions":{"code":"` + code + `"}}],"data":null}`
}

// TestAPIError_kinds is the table of CONTRACT §1.4, of both editions.
func TestAPIError_kinds(t *testing.T) {
	t.Parallel()
	const internal = "INTERNAL_SERVER_ERROR"
	for name, test := range map[string]struct {
		status    int
		body      string
		kind      primehub.Kind
		transient bool
	}{
		"no token":              {500, graphQLError(internal, "Context creation failed: request not authorized"), primehub.KindUnauthenticated, false},
		"bad token":             {500, graphQLError(internal, "Context creation failed: Invalid API Token"), primehub.KindUnauthenticated, false},
		"Keycloak down":         {500, graphQLError(internal, "Context creation failed: connect ECONNREFUSED 10.0.0.1:8080"), primehub.KindUnavailable, true},
		"syntax":                {400, graphQLError("GRAPHQL_PARSE_FAILED", "Syntax Error"), primehub.KindInvalid, false},
		"validation":            {400, graphQLError("GRAPHQL_VALIDATION_FAILED", "Cannot query field x"), primehub.KindInvalid, false},
		"variables":             {400, graphQLError("BAD_USER_INPUT", "Variable data got invalid value https://u:hunter2@index.test/hunter2"), primehub.KindInvalid, false},
		"shield":                {200, graphQLError(internal, "Not Authorised!"), primehub.KindForbidden, false},
		"resolver":              {200, graphQLError("NOT_AUTH", "Not authorise"), primehub.KindForbidden, false},
		"conflict":              {200, graphQLError("RESOURCE_CONFLICT", "Resource already exist"), primehub.KindConflict, false},
		"rebuild":               {200, graphQLError("INTERNAL_ERROR", "failed to rebuild image"), primehub.KindOther, false},
		"missing, CE":           {200, graphQLError("RESOURCE_NOT_FOUND", "HTTP request failed"), primehub.KindNotFound, false},
		"missing, EE":           {200, graphQLError(internal, "HTTP request failed"), primehub.KindKubernetes, false},
		"missing, before 2022":  {200, graphQLError(internal, `images.primehub.io \"x\" not found`), primehub.KindNotFound, false},
		"Kubernetes down, CE":   {200, graphQLError("API_UNAVAILABLE", "An internal server error occurred"), primehub.KindUnavailable, true},
		"Kubernetes down, EE":   {200, graphQLError(internal, "API_UNAVAILABLE"), primehub.KindUnavailable, true},
		"Keycloak refuses":      {200, graphQLError(internal, "Request failed with status code 404"), primehub.KindKeycloak, false},
		"Keycloak fails":        {200, graphQLError(internal, "Request failed with status code 503"), primehub.KindUnavailable, true},
		"TypeError":             {200, graphQLError(internal, "Cannot read properties of null (reading 'id')"), primehub.KindNoRole, false},
		"TypeError, old Node":   {200, graphQLError(internal, "Cannot read property 'id' of null"), primehub.KindNoRole, false},
		"another TypeError":     {200, graphQLError(internal, "Cannot read properties of undefined (reading 'name')"), primehub.KindOther, false},
		"another path":          {404, "Not Found", primehub.KindNotPrimeHub, false},
		"body that is no JSON":  {400, `{"code":"INTERNAL_ERROR","message":"Unexpected token"}`, primehub.KindOther, false},
		"too large":             {413, "Payload Too Large", primehub.KindOther, false},
		"redirect":              {302, "", primehub.KindNotPrimeHub, false},
		"nginx 502":             {502, "<html><head><title>502 Bad Gateway</title></head></html>", primehub.KindWebPage, true},
		"nginx 404":             {404, "<html><head><title>404 Not Found</title></head></html>", primehub.KindWebPage, false},
		"a web page":            {200, "<!DOCTYPE html><title>Log in to primehub</title>", primehub.KindWebPage, false},
		"JSON of another kind":  {200, "[]", primehub.KindBroken, true},
		"cut short":             {200, `{"data":{"me":{"id":`, primehub.KindBroken, true},
		"nothing":               {200, "", primehub.KindBroken, true},
		"neither data nor word": {200, "{}", primehub.KindBroken, true},
		"data of another kind":  {200, `{"data":{"me":{"id":[1]}}}`, primehub.KindBroken, true},
		"503 without words":     {503, "upstream down", primehub.KindOther, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := answering(t, say(test.status, "", test.body)).Me(t.Context())
			got := failed[*primehub.APIError](t, err)
			if got.Kind != test.kind || got.Transient() != test.transient || got.StatusCode != test.status {
				t.Errorf("%q, transient: %t, %v", got.Kind, got.Transient(), err)
			}
			if message := err.Error(); !strings.HasPrefix(message, "Me at https://primehub.test:") || strings.Contains(message, "\n") || strings.Contains(message, "hunter2") {
				t.Error(message)
			}
			never(t, err, primehub.ErrNotFound, primehub.ErrAlreadyExists)
		})
	}
}

// TestAPIError_secret has the platform quote the token, and redirect with it.
func TestAPIError_secret(t *testing.T) {
	t.Parallel()
	for _, handler := range []http.HandlerFunc{
		say(200, "", graphQLError("X", "token s3cret is bad")),
		say(500, "text/plain", "token s3cret is bad"),
		say(200, "", `{"data":"s3cret"}`),
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.test/x?token=s3cret")
			w.WriteHeader(http.StatusFound)
		},
	} {
		_, err := answering(t, handler).Me(t.Context())
		wants[*primehub.APIError](t, err)
		silent(t, err, "s3cret")
	}
}

// TestRequest shows what goes over the wire.
func TestRequest(t *testing.T) {
	t.Parallel()
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		for header, want := range map[string]string{
			"Authorization": "Bearer s3cret", "Content-Type": "application/json", "Accept": "application/json", "User-Agent": "test/1",
			"X-Primehub-Use-Cache": "", "X-Primehub-Job": "",
		} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %q", header, got)
			}
		}
		if r.Method != http.MethodPost || r.URL.String() != "https://primehub.test/api/graphql" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		say(200, "application/json", `{"data":{"me":null}}`)(w, r)
	}, func(c *primehub.Config) { c.UserAgent, c.APIToken = "test/1", "s3cret\n" })
	_, err := client.Me(t.Context())
	if got := failed[*primehub.APIError](t, err); got.Kind != primehub.KindUnauthenticated {
		t.Errorf("%v", err)
	}
}

func TestOrphanedRoleError(t *testing.T) {
	t.Parallel()
	why := errors.New("why")
	for _, err := range []error{
		&primehub.OrphanedRoleError{Name: "x", Err: why}, &primehub.FailedCreateError{Name: "x", Err: why}, &primehub.IncompleteError{Name: "x", Err: why},
		&primehub.DeleteStuckError{Name: "x", Err: why}, &primehub.BuildUnfinishedError{Name: "x", Err: why},
	} {
		if !errors.Is(err, why) || !strings.Contains(err.Error(), `"x"`) || !strings.HasSuffix(err.Error(), ": why") {
			t.Errorf("%T: %v", err, err)
		}
	}
}
