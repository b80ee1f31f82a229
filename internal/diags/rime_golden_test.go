package diags_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"google.golang.org/grpc/codes"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/rime"
)

// platformAnswered is an answer of a RIME platform about an image.
func platformAnswered(method string, status int, code codes.Code, message string) *rime.APIError {
	return &rime.APIError{Method: method, URL: "/v1/images/churn at https://rime.test", StatusCode: status, Code: code, Message: message}
}

// platformPage is a web page in place of an answer.
func platformPage(status int, title string) *rime.APIError {
	answer := platformAnswered("GET", status, 0, title)
	answer.HTML = true
	return answer
}

func onPlatform(op diags.Operation, err error) diag.Diagnostics {
	return diag.Diagnostics{diags.FromError(op, "churn", err)}
}

// platformBuild is a build of a RIME platform that failed, with the platform's own advice.
func platformBuild(class imageregistry.FailureClass, message, hint string) diag.Diagnostics {
	return onPlatform(diags.CreateImage, &imageregistry.BuildFailedError{
		Image: imageregistry.Image{Name: "churn", Status: imageregistry.StatusFailed},
		Build: imageregistry.Build{
			ID: "0b6f1c2d", Status: imageregistry.BuildFailed, LogsURL: "https://logs.test/0b6f1c2d", Hint: hint,
			Failure: &imageregistry.BuildFailure{Class: class, Message: message},
		},
	})
}

// platformMessages are the messages that are particular to RIME platforms.
var platformMessages = map[string]diag.Diagnostics{
	"rime_unauthorized":     onPlatform(diags.ReadImage, platformPage(401, "401 Authorization Required")),
	"rime_create_forbidden": onPlatform(diags.CreateImage, platformAnswered("POST", 403, 7, "the role VIEWER does not permit this action")),
	"rime_read_forbidden":   onPlatform(diags.ReadImage, platformAnswered("GET", 403, 7, "permission denied")),
	"rime_create_exists": onPlatform(diags.CreateImage, fmt.Errorf("image %q: %w: %w", "churn", imageregistry.ErrAlreadyExists,
		platformAnswered("POST", 409, 6, "an image with the name \"churn\" already exists"))),
	"rime_create_refused":    onPlatform(diags.CreateImage, platformAnswered("POST", 400, 3, "python version 2.7 is not supported")),
	"rime_too_many":          onPlatform(diags.ReadImage, &rime.APIError{Method: "GET", URL: "/v1/images/churn at https://rime.test", StatusCode: 429, Code: 8, Message: "slow down", RetryAfter: "3600"}),
	"rime_unavailable":       onPlatform(diags.ReadImage, platformAnswered("GET", 503, 14, "restarting")),
	"rime_web_page":          onPlatform(diags.ReadImage, platformPage(200, "Robust Intelligence")),
	"rime_redirect":          onPlatform(diags.ReadImage, platformAnswered("GET", 302, 0, "redirects to https://login.test/sso")),
	"rime_not_json":          onPlatform(diags.ReadImage, &rime.APIError{Method: "GET", URL: "/v1/images/churn at https://rime.test", StatusCode: 200, Broken: true, Message: "the answer is cut short or not what the API sends: unexpected EOF"}),
	"rime_odd_404":           onPlatform(diags.ReadImage, platformPage(404, "404 Not Found")),
	"rime_no_answer":         onPlatform(diags.CreateImage, &rime.APIError{Method: "POST", URL: "/v1/images at https://rime.test", Err: &httpx.TimeoutError{After: time.Minute}, Message: "no answer within 1m0s"}),
	"rime_not_enabled":       onPlatform(diags.CreateImage, &rime.NotEnabledError{Endpoint: "https://rime.test", Err: platformAnswered("POST", 404, 0, "404 page not found")}),
	"rime_list_disabled":     {diags.ListFailed(&rime.NotEnabledError{Endpoint: "https://rime.test", Err: platformAnswered("POST", 404, 5, "Not Found")})},
	"rime_list_failed":       {diags.ListFailed(platformPage(401, "401 Authorization Required"))},
	"rime_build_not_watched": {diags.BuildNotWatched("churn", "0b6f1c2d", platformPage(401, "401 Authorization Required"))},
	"rime_create_unsettled": onPlatform(diags.CreateImage, &rime.UnsettledError{
		Lost: &rime.APIError{Method: "POST", URL: "/v1/images at https://rime.test", Message: "EOF", Err: io.ErrUnexpectedEOF}, Look: platformAnswered("GET", 503, 14, "restarting"),
	}),
	"rime_repair_refused":  onPlatform(diags.CreateImage, &rime.DeleteRefusedError{Name: "churn", Err: platformAnswered("DELETE", 403, 7, "only an Organization Administrator can delete a managed image")}),
	"rime_delete_refused":  onPlatform(diags.DeleteImage, &rime.DeleteRefusedError{Name: "churn", Err: platformAnswered("DELETE", 403, 7, "only an Organization Administrator can delete a managed image")}),
	"rime_delete_system":   onPlatform(diags.DeleteImage, &rime.SystemImageError{Name: "churn"}),
	"rime_delete_children": onPlatform(diags.DeleteImage, &rime.ChildrenError{Name: "churn", Children: []string{"fraud", "risk"}, Err: platformAnswered("DELETE", 400, 9, "the image is the base of 2 other images")}),
	"rime_delete_building": onPlatform(diags.DeleteImage, &rime.BuildingError{Name: "churn", Status: imageregistry.StatusRebuilding, Err: platformAnswered("DELETE", 400, 9, "the image is being built")}),
	"rime_delete_lingers":  onPlatform(diags.DeleteImage, &rime.StillThereError{Name: "churn", After: 5 * time.Minute, Status: imageregistry.StatusReady}),

	"rime_build_failed":   platformBuild(imageregistry.FailureUserInput, "ERROR: No matching distribution found for nosuch", ""),
	"rime_build_hint":     platformBuild(imageregistry.FailureOutOfMemory, "OOMKilled", "Ask those who run the platform for more memory."),
	"rime_build_deadline": platformBuild(imageregistry.FailureDeadline, "DeadlineExceeded", ""),
	"rime_build_stuck": {diags.Unfinished{
		Name: "churn", BuildID: "0b6f1c2d", Cause: &diags.TimeoutError{Setting: "timeouts.create", After: 90 * time.Minute}, Wait: context.DeadlineExceeded,
		Cancel: imageregistry.ErrCannotCancel, Hint: "The build was created 1h29m ago and has not begun. Known causes: the source image cannot be pulled.",
	}.Diagnostic()},

	"rime_build_not_found": {diags.BuildNotFound("0b6f1c2d")},
	"rime_build_other":     {diags.BuildNotRead("0b6f1c2d", &rime.NotABuildError{ID: "0b6f1c2d", Type: "JOB_TYPE_FILE_SCAN"})},
	"rime_build_bad_id":    {diags.BuildNotRead("nonsense", &rime.APIError{Method: "GET", URL: "/v1/jobs/nonsense at https://rime.test", StatusCode: 400, Code: 3, Message: "not a job id"})},
	"rime_build_no_config": {diags.BuildNotRead("0b6f1c2d", diags.ErrNoRegistry)},
}

func init() {
	maps.Copy(messages, platformMessages)
}
