package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
)

// step is one thing that is done to both stand-ins, after all that are before it in the table.
type step struct {
	name string
	do   func(context.Context, *account) (any, error)
}

func onECR[I, O any](name string, call func(*ecr.Client, context.Context, *I, ...func(*ecr.Options)) (*O, error), input *I) step {
	return step{name, func(ctx context.Context, a *account) (any, error) { return call(a.ecr, ctx, input) }}
}

func onIAM[I, O any](name string, call func(*iam.Client, context.Context, *I, ...func(*iam.Options)) (*O, error), input *I) step {
	return step{name, func(ctx context.Context, a *account) (any, error) { return call(a.iam, ctx, input) }}
}

func onSTS[I, O any](name string, call func(*sts.Client, context.Context, *I, ...func(*sts.Options)) (*O, error), input *I) step {
	return step{name, func(ctx context.Context, a *account) (any, error) { return call(a.sts, ctx, input) }}
}

// ours is something that the provider's own client does.
func ours[O any](name string, do func(context.Context, *awsregistry.Client) (O, error)) step {
	return step{"client: " + name, func(ctx context.Context, a *account) (any, error) { return do(ctx, a.client) }}
}

// answer is the meaning of an answer: fields by path, with the values there, in order.
type answer map[string][]string

// ask does a step, and tells what the answer means. An error is the field "error".
func (s step) ask(ctx context.Context, a *account) (answer, error) {
	out, err := s.do(ctx, a)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return answer{"error": {codeOf(err)}}, nil
	}
	text, err := json.Marshal(out)
	return meaningOf(text), err
}

// meaningOf is the meaning of an answer in JSON.
func meaningOf(text []byte) answer {
	found := answer{}
	found.add("", parsed(text))
	for _, values := range found {
		slices.Sort(values) // AWS promises no order
	}
	return found
}

// codeOf is the code of a refusal, which is all of an error that programs look at.
func codeOf(err error) string {
	if refused, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err); ok {
		return refused.ErrorCode()
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return fmt.Sprintf("HTTP %d without a code", response.HTTPStatusCode())
	}
	return err.Error()
}

var (
	// volatile values are right when they look right: they are chosen by whoever answers.
	volatile = map[string]*regexp.Regexp{
		"(a time)":        regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`),
		"(an identifier)": regexp.MustCompile(`^A[A-Z0-9]{15,20}(:.+)?$`),
	}
	// secrets are different each time, and have no form.
	secrets = []string{"AuthorizationData[].AuthorizationToken", "Password", "Credentials.SecretAccessKey", "Credentials.SessionToken"}
)

// add adds a value, and what is in it.
func (a answer) add(path string, value any) {
	switch v := value.(type) {
	case nil: // it is not there
	case map[string]any:
		for name, field := range v {
			if name != "ResultMetadata" {
				a.add(strings.TrimPrefix(path+"."+name, "."), field)
			}
		}
	case []any:
		for _, element := range v {
			a.add(path+"[]", element)
		}
	case string:
		if v != "" {
			a[path] = append(a[path], meaning(path, v))
		}
	default:
		if text := fmt.Sprint(v); text != "0" { // Amazon's clients make nothing of a number that is not there
			a[path] = append(a[path], text)
		}
	}
}

// meaning is what a text means: documents are compared as what they say, however they are written.
func meaning(path, text string) string {
	if slices.Contains(secrets, path) {
		return "(a secret)"
	}
	for kind, form := range volatile {
		if form.MatchString(text) {
			return kind
		}
	}
	plain, err := url.QueryUnescape(strings.ReplaceAll(text, "+", "%2B")) // as IAM writes documents
	if err != nil || !strings.HasPrefix(strings.TrimSpace(plain), "{") {
		return text
	}
	canonical, err := json.Marshal(parsed([]byte(plain)))
	if err != nil {
		return text
	}
	return string(canonical)
}

// parsed is JSON's value, with numbers as they are written. What is no JSON is nil.
func parsed(text []byte) (value any) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return nil
	}
	return value
}

// deviation is a field of an answer that is not the same in both stand-ins.
type deviation struct {
	step, field, sandbox, moto string
}

func (d deviation) String() string {
	return fmt.Sprintf("%s, %s: the sandbox says %s, moto says %s", d.step, d.field, d.sandbox, d.moto)
}

// deviations compares two answers. Of an error and a success, only that is told.
func deviations(step string, sandbox, moto answer) []deviation {
	if sandbox["error"] != nil || moto["error"] != nil {
		sandbox, moto = answer{"error": sandbox["error"]}, answer{"error": moto["error"]}
	}
	fields := maps.Clone(sandbox)
	maps.Copy(fields, moto)
	var found []deviation
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if a, b := sandbox[field], moto[field]; !slices.Equal(a, b) {
			found = append(found, deviation{step, field, said(a), said(b)})
		}
	}
	return found
}

func said(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	return strings.Join(values, ", ")
}

// compare does the steps to both stand-ins and returns every deviation.
func compare(ctx context.Context, steps []step, sandbox, moto *account) ([]deviation, error) {
	var found []deviation
	for _, s := range steps {
		a, err := s.ask(ctx, sandbox)
		if err != nil {
			return nil, err
		}
		b, err := s.ask(ctx, moto)
		if err != nil {
			return nil, err
		}
		found = append(found, deviations(s.name, a, b)...)
	}
	return found, nil
}
