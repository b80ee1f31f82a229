package primehub_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

func TestEncodings(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	form := url.Values{"query": {`query ($where: ImageWhereUniqueInput!) { image(where: $where) { id } }`}, "variables": {`{"where": {"id": "x"}}`}}.Encode()
	big := `{"query": "{ me { username } } # ` + strings.Repeat("x", 1<<20) + `"}`
	for name, tc := range map[string]struct {
		method, path, contentType, body string
		status                          int
		want                            string
	}{
		"JSON":              {http.MethodPost, "", jsonType, `{"query": "{ me { username } }"}`, 200, `{"data":{"me":{"username":"phadmin"}}}`},
		"with a charset":    {http.MethodPost, "", jsonType + "; charset=utf-8", `{"query": "{ me { username } }"}`, 200, `{"data":{"me":{"username":"phadmin"}}}`},
		"form":              {http.MethodPost, "", formType, form, 200, `{"data":{"image":null}}`},
		"text of variables": {http.MethodPost, "", jsonType, `{"query": "query ($i: ID!) { image(where: {id: $i}) { id } }", "variables": "{\"i\": \"x\"}"}`, 200, `{"data":{"image":null}}`},
		"operation name":    {http.MethodPost, "", jsonType, `{"query": "query A { me { id } } query B { me { username } }", "operationName": "B"}`, 200, `{"data":{"me":{"username":"phadmin"}}}`},
		"batch":             {http.MethodPost, "", jsonType, `[{"query": "{ me { username } }"}, {"query": "{ none }"}]`, 200, `[{"data":{"me":{"username":"phadmin"}}},{"errors":[{"message":"Cannot query field \"none\" on type \"Query\".","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}]`},
		"GET":               {http.MethodGet, "?query=" + url.QueryEscape("{ me { username } }"), "", "", 200, `{"data":{"me":{"username":"phadmin"}}}`},
		"mutation by GET":   {http.MethodGet, "?query=" + url.QueryEscape(`mutation { createImage(data: {name: "x"}) { id } }`), "", "", 405, "GET supports only query operation"},
		"PUT":               {http.MethodPut, "", jsonType, `{"query": "{ me { username } }"}`, 405, "Method Not Allowed"},
		"no type":           {http.MethodPost, "", "", `{"query": "{ me { username } }"}`, 500, "POST body missing. Did you forget use body-parser middleware?"},
		"plain text":        {http.MethodPost, "", "text/plain", `{ me { username } }`, 500, "POST body missing. Did you forget use body-parser middleware?"},
		"empty object":      {http.MethodPost, "", jsonType, "{}", 500, "POST body missing. Did you forget use body-parser middleware?"},
		"no body":           {http.MethodPost, "", jsonType, "", 500, "POST body missing. Did you forget use body-parser middleware?"},
		"too long":          {http.MethodPost, "", jsonType, big, 413, `{"code":"INTERNAL_ERROR","message":"request entity too large"}`},
		"form too long":     {http.MethodPost, "", formType, "query=" + strings.Repeat("x", 57<<10), 413, `{"code":"INTERNAL_ERROR","message":"request entity too large"}`},
		"trailing slash":    {http.MethodPost, "/", jsonType, `{"query": "{ me { username } }"}`, 404, "Not Found"},
		"syntax":            {http.MethodPost, "", jsonType, `{"query": "{ me {"}`, 400, `"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}`},
		"unknown field":     {http.MethodPost, "", jsonType, `{"query": "{ me { age } }"}`, 400, `{"errors":[{"message":"Cannot query field \"age\" on type \"User\".","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`},
		"introspection":     {http.MethodPost, "", jsonType, `{"query": "{ __schema { types { name } } }"}`, 400, "GraphQL introspection is not allowed"},
		"which operation":   {http.MethodPost, "", jsonType, `{"query": "query A { me { id } } query B { me { id } }"}`, 400, "Must provide operation name if query contains multiple operations."},
		"unknown operation": {http.MethodPost, "", jsonType, `{"query": "query A { me { id } }", "operationName": "B"}`, 400, "Unknown operation named"},
		"no query":          {http.MethodPost, "", jsonType, `{"variables": {}}`, 400, "Must provide query string."},
		"broken variables":  {http.MethodPost, "", jsonType, `{"query": "{ me { id } }", "variables": "{"}`, 400, "Variables are invalid JSON."},
		"null as query":     {http.MethodPost, "", jsonType, `{"query": null}`, 400, "Must provide query string."},
		"empty query":       {http.MethodPost, "", jsonType, `{"query": ""}`, 400, "Must provide query string."},
		"number as query":   {http.MethodPost, "", jsonType, `{"query": 1}`, 400, "GraphQL queries must be strings."},
		"no query in batch": {http.MethodPost, "", jsonType, `[{"query": ""}]`, 200, `[{"errors":[{"message":"Must provide query string.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}]`},
		"JSON null":         {http.MethodPost, "", jsonType, "null", 400, `{"code":"INTERNAL_ERROR","message":"invalid JSON, only supports object and array"}`},
		"JSON text":         {http.MethodPost, "", jsonType, `"x"`, 400, `{"code":"INTERNAL_ERROR","message":"invalid JSON, only supports object and array"}`},
		"OPTIONS":           {http.MethodOptions, "", "", "", 204, ""},
		"subscription":      {http.MethodPost, "", jsonType, `{"query": "subscription { x }"}`, 400, `{"errors":[{"message":"Schema is not configured for subscriptions.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`},
		"secrets by name":   {http.MethodPost, "", jsonType, `{"query": "{ secrets(where: {name_contains: \"hub\"}) { id } }"}`, 400, `"Field \"name_contains\" is not defined by type SecretWhereInput.","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}`},
		"secrets or":        {http.MethodPost, "", jsonType, `{"query": "{ secrets(where: {_or: []}) { id } }"}`, 400, "GRAPHQL_VALIDATION_FAILED"},
		"secrets by title":  {http.MethodPost, "", jsonType, `{"query": "{ secrets(where: {displayName_contains: \"x\"}) { id } }"}`, 400, "GRAPHQL_VALIDATION_FAILED"},
		"secrets in order":  {http.MethodPost, "", jsonType, `{"query": "{ secrets(orderBy: {type: \"asc\"}) { id } }"}`, 400, "GRAPHQL_VALIDATION_FAILED"},
		"groups or":         {http.MethodPost, "", jsonType, `{"query": "{ groups(where: {_or: []}) { id } }"}`, 400, "GRAPHQL_VALIDATION_FAILED"},
		"datasets by mode":  {http.MethodPost, "", jsonType, `{"query": "{ groups { datasets(mode: \"x\") { id } } }"}`, 400, "GRAPHQL_VALIDATION_FAILED"},
		"@include":          {http.MethodPost, "", jsonType, `{"query": "{ me { id @include(if: true) } }"}`, 400, `{"errors":[{"message":"Unknown directive \"include\".","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`},
		"@skip in fragment": {http.MethodPost, "", jsonType, `{"query": "{ me { ...F } } fragment F on User { id @skip(if: true) }"}`, 400, `Unknown directive \"skip\".`},
		"broken form":       {http.MethodPost, "", formType, `%zz`, 500, "POST body missing"},
		"empty batch":       {http.MethodPost, "", jsonType, `[]`, 500, "POST body missing"},
		"type name":         {http.MethodPost, "", jsonType, `{"query": "{ me { __typename } }"}`, 200, `{"data":{"me":{"__typename":"User"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, primehub.Options{})
			a := p.send(tc.method, primehub.Path+tc.path, tc.body, "Content-Type", tc.contentType)
			if a.status != tc.status || !strings.HasPrefix(strings.TrimSpace(a.body), tc.want) && !strings.Contains(a.body, tc.want) {
				t.Errorf("%+v, want %d %s", a, tc.status, tc.want)
			}
			if isJSON := json.Valid([]byte(a.body)); isJSON != (a.contentType == jsonType) && a.body != "" {
				t.Errorf("the type is %s, and the body %s", a.contentType, a.body)
			}
		})
	}
	a := p.send(http.MethodPost, primehub.Path, `{"query": `, "Content-Type", jsonType)
	var broken struct{ Code, Message string }
	if err := json.Unmarshal([]byte(a.body), &broken); err != nil || a.status != 400 || broken.Code != "INTERNAL_ERROR" || broken.Message == "" {
		t.Errorf("broken JSON: %v %+v", err, a)
	}
	if a := p.send(http.MethodPost, "/graphql", `{"query": "{ me { id } }"}`, "Content-Type", jsonType); a.status != 404 {
		t.Errorf("without the prefix: %+v", a)
	}
}

// Variables of the wrong form are told in the words of the reference implementation.
func TestVariables(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{})
	for _, tc := range []struct {
		document  string
		variables object
		want      string
	}{
		{createDocument, object{"data": object{}}, `Variable "$data" got invalid value {}; Field name of required type String! was not provided.`},
		{createDocument, object{"data": "x"}, `Variable "$data" got invalid value "x"; Expected type ImageCreateInput to be an object.`},
		{createDocument, object{"data": object{"name": nil}}, `Variable "$data" got invalid value null at "data.name"; Expected non-nullable type "String!" not to be null.`},
		{createDocument, object{"data": object{"name": 1}}, `Variable "$data" got invalid value 1 at "data.name"; Expected type String. String cannot represent the value: 1`},
		{createDocument, object{"data": object{"name": "x", "global": "yes"}}, `Variable "$data" got invalid value "yes" at "data.global"; Expected type Boolean. Boolean cannot represent the value: "yes"`},
		{
			updateDocument,
			object{"where": object{"id": "x"}, "data": object{"imageSpec": object{}}},
			`Variable "$data" got invalid value {"imageSpec":{}}; Field "imageSpec" is not defined by type ImageUpdateInput.`,
		},
		{
			rebuildDocument,
			object{"where": object{"id": "x"}, "data": object{"updateTime": "now"}},
			`Variable "$data" got invalid value {"updateTime":"now"}; Field "updateTime" is not defined by type ImageSpecUpdateInput.`,
		},
		{`query ($mode: QueryImageMode) { images(mode: $mode) { id } }`, object{"mode": "NONE"}, `Variable "$mode" got invalid value "NONE"; Expected type QueryImageMode.`},
		{`query ($page: Int) { images(page: $page) { id } }`, object{"page": 1.5}, `Variable "$page" got invalid value 1.5; Expected type Int. Int cannot represent the value: 1.5`},
	} {
		status, data, errors := p.ask(tc.document, tc.variables)
		if diff := cmp.Diff([]string{tc.want + " (BAD_USER_INPUT)"}, errors); diff != "" || status != http.StatusBadRequest || data != nil {
			t.Errorf("status %d, data %v (-want +got)\n%s", status, data, diff)
		}
	}
	for want, variables := range map[string]object{
		`Variable "$data" of required type "ImageCreateInput!" was not provided. (INTERNAL_SERVER_ERROR)`: nil,
		`Variable "$data" of non-null type "ImageCreateInput!" must not be null. (INTERNAL_SERVER_ERROR)`: {"data": nil},
	} {
		if status, _, errors := p.ask(createDocument, variables); status != http.StatusBadRequest || cmp.Diff([]string{want}, errors) != "" {
			t.Errorf("status %d, %v", status, errors)
		}
	}
	// What the specification allows: an id that is a number, one item for a list of it, a default, and no value at all.
	p.create(object{"name": "7", "imageSpec": object{"baseImage": "python", "packages": object{"pip": "numpy"}}})
	image, _ := p.ok(`query ($id: ID! = 7) { image(where: {id: $id}) { id imageSpec { packages { pip } } } }`, nil).(object)
	if d := diff(object{"id": "7", "imageSpec": object{"packages": object{"pip": []any{"numpy"}}}}, image); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	p.ok(`query ($id: ID! = 7) { image(where: {id: $id}) { id } }`, object{"id": 7})
	p.ok(`query ($where: ImageWhereInput) { images(where: $where) { id } }`, nil)
}

// Fragments, aliases and directives, as clients use them; the enterprise edition knows no directives.
func TestExecution(t *testing.T) {
	t.Parallel()
	p := start(t, primehub.Options{Edition: primehub.Community})
	p.create(object{"name": "churn", "groups": object{"connect": []any{object{"id": "group-research"}}}})
	got := p.send(http.MethodPost, primehub.Path, `{"query": "query Q($yes: Boolean!, $no: Boolean = false) { b: image(where: {id: \"churn\"}) { ...F id ... on Image { name } ... @include(if: $no) { type } groups { name } groups { id } url @skip(if: $yes) } a: me { id @include(if: $yes) } } fragment F on Image { displayName kind: __typename }", "variables": {"yes": true}}`,
		"Content-Type", "application/json")
	const want = `{"data":{"b":{"displayName":"churn","kind":"Image","id":"churn","name":"churn","groups":[{"name":"research","id":"group-research"}]},"a":{"id":"user-phadmin"}}}`
	if strings.TrimSpace(got.body) != want {
		t.Errorf("got  %s\nwant %s", got.body, want)
	}
	operations := p.Operations()
	if len(operations) != 2 || operations[1].Name != "Q" || operations[1].Kind != "query" || operations[1].User != "phadmin" || p.CountOperations("createImage") != 1 {
		t.Errorf("recorded: %+v", operations)
	}
	if diff := cmp.Diff([]string{"image", "me"}, operations[1].Fields); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if selected := strings.Join(operations[1].Selected, " "); !strings.Contains(selected, "image.groups.name") || !strings.Contains(selected, "image.displayName") {
		t.Errorf("selected: %s", selected)
	}
	p.ForgetOperations()
	if n := len(p.Operations()); n != 0 {
		t.Errorf("%d operations are not forgotten", n)
	}
}
