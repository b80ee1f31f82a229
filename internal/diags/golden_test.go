package diags_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/buildkit"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/embedded"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

var update = flag.Bool("update", false, "write the golden files")

// answered is a registry's answer with that status.
func answered(status int, message string) error {
	return fmt.Errorf("reading the record: %w", &embedded.APIError{
		Method: "GET", URL: "/v2/ml/sklearn/manifests/rime-record at http://registry.test", StatusCode: status, Message: message,
	})
}

func failedBuild(f *imageregistry.BuildFailure) error {
	return &imageregistry.BuildFailedError{
		Image: imageregistry.Image{
			Name: "sklearn", Status: imageregistry.StatusFailed, PackageRequirements: []requirement.Package{{Name: "vimm", Type: requirement.PackageTypeApt}},
		},
		Build: imageregistry.Build{ID: "sklearn/3f2a", Status: imageregistry.BuildFailed, LogsURL: "https://logs.test/3f2a", Failure: f},
	}
}

func ofClass(class imageregistry.FailureClass) diag.Diagnostic {
	return diags.FromError(diags.CreateImage, "sklearn", failedBuild(&imageregistry.BuildFailure{Class: class, Message: "exit code 1"}))
}

var longLog = strings.Split(strings.TrimSpace(strings.Repeat("a line that is too old to be shown\n", 100)+strings.Repeat("a line of the log\n", 39)+"the last line"), "\n")

func unfinished(cause, cancel error) diag.Diagnostic {
	return diags.Unfinished{
		Name: "sklearn", BuildID: "sklearn/3f2a", Cause: cause, Cancel: cancel,
		Wait: fmt.Errorf("image %q is building_first_time, its build sklearn/3f2a running: %w", "sklearn", cause),
	}.Diagnostic()
}

// pipErrors are the messages about an element of pip_requirements.
func pipErrors(text string) diag.Diagnostics {
	_, err := requirement.ParsePip(text)
	at := path.Root("pip_requirements").AtSetValue(types.StringValue(text))
	return diags.InvalidRequirements("Invalid Pip Requirement", "pip_requirements", at, err)
}

// joinErrors are the messages about all elements of pip_requirements together.
func joinErrors(pips ...requirement.Pip) diag.Diagnostics {
	_, err := requirement.JoinPips(pips)
	return diags.InvalidRequirements("Invalid Pip Requirement", "pip_requirements", path.Root("pip_requirements"), err)
}

// argument is the message of a function as Terraform shows it: with a summary of its own, and a full stop.
func argument(err *function.FuncError) diag.Diagnostics {
	return diag.Diagnostics{diag.NewErrorDiagnostic("Invalid Function Argument", fmt.Sprintf("Argument %d: %s.", *err.FunctionArgument, err.Text))}
}

// refusedFile is a requirements file of so many lines with a hash, and one of other faults.
func refusedFile(hashes int) *function.FuncError {
	_, refused := requirement.ParsePipFile(strings.Repeat("numpy==1.26.4 --hash=sha256:0a1b\n", hashes)+"scipy; python_version < \"3.9\"\n-e .\n-r base.txt\na>2\na<1", nil)
	return diags.InvalidRequirementsFile(0, refused)
}

func condaError(text string) error {
	_, err := requirement.ParseCondaSpec(text)
	return err
}

// messages are all messages there are, by the name of their golden file.
var messages = map[string]diag.Diagnostics{
	"read_unauthorized":   {diags.FromError(diags.ReadImage, "sklearn", answered(401, "UNAUTHORIZED: authentication required"))},
	"create_forbidden":    {diags.FromError(diags.CreateImage, "sklearn", answered(403, "DENIED: requested access to the resource is denied"))},
	"read_no_host":        {diags.FromError(diags.ReadImage, "sklearn", &url.Error{Op: "Get", URL: "https://u:p@host.test/token?sig=x", Err: &net.DNSError{Err: "no such host", Name: "host.test"}})},
	"update_too_many":     {diags.FromError(diags.UpdateImage, "sklearn", answered(429, "TOOMANYREQUESTS"))},
	"delete_unavailable":  {diags.FromError(diags.DeleteImage, "sklearn", answered(503, ""))},
	"read_no_registry":    {diags.FromError(diags.ReadImage, "sklearn", answered(405, "<!doctype html>"))},
	"read_unreachable":    {diags.FromError(diags.ReadImage, "sklearn", &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")})},
	"read_unintelligible": {diags.FromError(diags.ReadImage, "sklearn", &embedded.APIError{Method: "GET", URL: "registry.test/ml/sklearn:rime-record", Message: "the answer is cut short or no JSON: unexpected end of JSON input", Err: errors.New("unexpected end of JSON input")})},
	"read_timeout":        {diags.FromError(diags.ReadImage, "sklearn", fmt.Errorf("looking: %w", &diags.TimeoutError{Setting: "timeouts.read", After: 5 * time.Minute}))},
	"read_interrupted":    {diags.FromError(diags.ReadImage, "sklearn", context.Canceled)},
	"read_other":          {diags.FromError(diags.ReadImage, "sklearn", errors.New("something is wrong"))},
	"read_bad_record":     {diags.FromError(diags.ReadImage, "sklearn", &embedded.RecordError{Reference: "registry.test/ml/sklearn:rime-record", Problem: "was written by a newer version; upgrade the provider"})},
	"create_no_daemon":    {diags.FromError(diags.CreateImage, "sklearn", &buildkit.ConnectError{Attempts: []buildkit.ConnectAttempt{{Address: "tcp://buildkitd:1234", Err: errors.New("connection refused")}}})},
	"create_busy":         {diags.FromError(diags.CreateImage, "sklearn", fmt.Errorf("%w: %w", imageregistry.ErrAlreadyExists, &embedded.BusyError{Name: "sklearn", Holder: "ci-7/4711", Until: time.Unix(1767323045, 0)}))},
	"create_twice":        {diags.FromError(diags.CreateImage, "sklearn", &embedded.BusyError{Name: "sklearn", Holder: "ci-7/4711", Until: time.Unix(1767323045, 0), Here: true})},
	"create_no_base": {diags.FromError(diags.CreateImage, "sklearn", &buildkit.Error{Failure: imageregistry.BuildFailure{
		Class: imageregistry.FailureBaseImage, Step: "pull the base image", Message: "docker.io/library/python:3.11-slim: not found",
	}})},
	"update_busy":            {diags.FromError(diags.UpdateImage, "sklearn", &embedded.BusyError{Name: "sklearn", Holder: "ci-7/4711", Until: time.Unix(1767323045, 0)})},
	"create_already_exists":  {diags.FromError(diags.CreateImage, "sklearn", fmt.Errorf("image: %w", imageregistry.ErrAlreadyExists))},
	"create_other_inputs":    {diags.FromError(diags.CreateImage, "sklearn", &diags.OtherInputsError{Differences: []string{"python version changed: 3.11 -> 3.12", "pip requirements changed: + pandas"}})},
	"other_registry":         {diags.FromError(diags.ReadImage, "sklearn", &diags.OtherRegistryError{Want: "old.test/ml", Got: "new.test/ml"})},
	"import_elsewhere":       {diags.ImportFromElsewhere("sklearn", "old.test/ml", "new.test/ml")},
	"image_made_anew":        {diags.ImageMadeAnew("sklearn-96ff7925")},
	"retained_in_the_way":    {diags.RetainedInTheWay("sklearn")},
	"update_cannot_change":   {diags.FromError(diags.UpdateImage, "sklearn", diags.ErrCannotChange)},
	"list_failed":            {diags.ListFailed(answered(403, "DENIED"))},
	"delete_refused":         {diags.FromError(diags.DeleteImage, "sklearn", &embedded.DeletesRefusedError{Registry: "registry.test", Err: answered(405, "UNSUPPORTED")})},
	"list_no_catalog":        {diags.ListFailed(&embedded.CatalogError{Registry: "registry.test", Err: answered(401, "UNAUTHORIZED")})},
	"image_not_found":        {diags.ImageNotFound("sklearn")},
	"no_registry_configured": {diags.FromError(diags.CreateImage, "sklearn", diags.ErrNoRegistry)},
	"not_known_yet":          {diags.ListFailed(diags.ErrNotKnownYet)},
	"not_configured":         {diags.FromError(diags.CreateImage, "sklearn", diags.ErrNotConfigured)},
	"configuration_broken":   {diags.FromError(diags.ReadImage, "sklearn", &diags.ConfigurationError{Err: errors.New("http.ca_file: open /nowhere/ca.pem: no such file or directory")})},
	"drift_not_checked":      {diags.DriftNotChecked("sklearn")},
	"unexpected_data":        {diags.UnexpectedProviderData(42)},
	"missing_value":          {diags.MissingValue(path.Root("embedded_registry").AtName("url"), "RIME_EMBEDDED_REGISTRY_URL")},
	"apt_on_platform":        {diags.AptPackagesOnPlatform(path.Root("apt_packages"), []string{"libgomp1", "git=1:2.39"})},
	"two_package_managers":   {diags.TwoPackageManagers(path.Root("rocky_linux_packages"))},
	"null_element":           {diags.NullElement(path.Root("pip_requirements"), "pandas>=2,<3")},
	"null_trigger":           {diags.NullTrigger(path.Root("triggers").AtMapKey("weekly"), "weekly"), diags.NullTrigger(path.Root("triggers").AtMapKey("a b"), "a b")},
	"name_twice":             {diags.ImageNameTwice("churn")},
	"replaced": {
		diags.Replacement{Name: "churn", Reason: "pip requirements changed: + pandas", SameName: true, Usable: true, Platform: true}.Diagnostic(),
		diags.Replacement{Name: "churn-0a1b2c3d", Prefix: "churn-", Reason: "triggers changed: weekly", Usable: true}.Diagnostic(),
		diags.Replacement{Name: "churn", SameName: true}.Diagnostic(),
	},
	"no_name":            {diags.ImageWithoutName()},
	"two_names":          {diags.ImageWithTwoNames("churn", "churn-")},
	"unsupported_python": {diags.UnsupportedPythonVersion(path.Root("python_version"), "3.9", []string{"3.11", "3.12"})},

	"build_failed_requirement": {diags.FromError(diags.CreateImage, "sklearn", failedBuild(&imageregistry.BuildFailure{
		Class: imageregistry.FailureUserInput, Step: "install pip requirements", Requirement: "no-such-lib", RequirementKind: "pip",
		Message: "ERROR: No matching distribution found for no-such-lib", LogTail: longLog,
	}))},
	"build_failed_package": {diags.FromError(diags.UpdateImage, "sklearn", failedBuild(&imageregistry.BuildFailure{
		Class: imageregistry.FailureUserInput, Step: "install packages", Requirement: "vimm", RequirementKind: "package",
		Message: "E: Unable to locate package vimm", LogTail: []string{"E: Unable to locate package vimm"},
	}))},
	"build_failed_network":       {ofClass(imageregistry.FailureNetwork)},
	"build_failed_base_image":    {ofClass(imageregistry.FailureBaseImage)},
	"build_failed_out_of_memory": {ofClass(imageregistry.FailureOutOfMemory)},
	"build_failed_out_of_disk":   {ofClass(imageregistry.FailureOutOfDisk)},
	"build_failed_push":          {ofClass(imageregistry.FailurePush)},
	"build_failed_platform":      {ofClass(imageregistry.FailurePlatform)},
	"build_failed_cancelled":     {ofClass(imageregistry.FailureCancelled)},
	"build_failed_abandoned":     {ofClass(imageregistry.FailureAbandoned)},
	"build_failed_unknown":       {diags.FromError(diags.CreateImage, "sklearn", failedBuild(nil))},

	"build_interrupted": {unfinished(context.Canceled, nil)},
	"build_timed_out":   {unfinished(&diags.TimeoutError{Setting: "timeouts.create", After: 90 * time.Minute}, nil)},
	"build_goes_on": {
		unfinished(context.Canceled, imageregistry.ErrCannotCancel),
		diags.Unfinished{
			Name: "sklearn", BuildID: "sklearn/3f2a", Cause: context.Canceled, Cancel: imageregistry.ErrCannotCancel, Wait: context.Canceled, Creating: true,
		}.Diagnostic(),
	},
	"warnings": diags.Warnings(diag.Diagnostics{
		diag.NewErrorDiagnostic("Unable to Read Managed Image", "The answer was: 503."), diag.NewAttributeErrorDiagnostic(path.Root("name"), "Managed Image Not Found", "There is none."),
	}),
	"build_of_others_goes_on":     {unfinished(context.Canceled, diags.ErrNotOurs)},
	"build_interrupted_uncertain": {unfinished(context.Canceled, answered(503, ""))},

	"invalid_value":         {diags.InvalidValue("Invalid Managed Image Name", path.Root("name"), "My.Image", &diags.Problem{Text: "must be lower case", Suggestion: `write "my-image"`})},
	"invalid_secret":        {diags.InvalidValue("Invalid Registry Address", path.Root("url"), "ada:hunter2@registry.test", &diags.Problem{Text: "carries a user", Secret: true})},
	"invalid_environment":   {diags.InvalidEnvironment("Invalid BuildKit Address", path.Root("address"), "BUILDKIT_HOST", "here", &diags.Problem{Text: "has no scheme", Suggestion: "write one"})},
	"unknown_name":          {diags.UnknownName(path.Root("existing").AtName("pull_secret"), "pull_secret", "Write image_pull_secret instead.")},
	"not_whole":             {diags.NotWhole(path.Root("max_retries"), "1.5")},
	"unknown_key":           {diags.UnknownKey(path.Root("timeouts"), "created", "Write create instead.")},
	"empty_object":          {diags.EmptyObject(path.Root("aws"), []string{"default_tags", "profile", "region"})},
	"invalid_pip_name":      pipErrors("scikit learn"),
	"invalid_pip_specifier": pipErrors("numpy>=1,=<2"),
	"invalid_pip_twice":     pipErrors("numpy==1.26.4; python_version < \"3.13\" --hash=sha256:0a1b"),

	"function_requirements_file": argument(refusedFile(1)),
	"function_requirements_long": argument(refusedFile(20)),
	"function_conda_spec":        argument(diags.InvalidRequirement(0, condaError("conda-forge::numpy==="))),
	"function_conda_other":       argument(diags.InvalidRequirement(0, condaError("numpy@1.17"))),
	"function_argument":          argument(diags.InvalidArgument(1, "My.Image", &diags.Problem{Text: "must be lower case", Suggestion: `write "my-image"`})),

	"conflicting_pips": joinErrors(requirement.Pip{Name: "numpy", VersionSpecifier: ">1"}, requirement.Pip{Name: "numpy"},
		requirement.Pip{Name: "pandas", VersionSpecifier: ">2"}, requirement.Pip{Name: "Pandas", VersionSpecifier: "<1"}),
}

// TestMessages compares every message as a whole, so that a change of wording is seen in review. Run with -update to accept one.
func TestMessages(t *testing.T) {
	t.Parallel()
	for name, diagnostics := range messages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			for _, d := range diagnostics {
				fmt.Fprintf(&got, "%s: %s\n", d.Severity(), d.Summary())
				if at, ok := d.(diag.DiagnosticWithPath); ok {
					fmt.Fprintf(&got, "at %s\n", at.Path())
				}
				fmt.Fprintf(&got, "\n%s\n----\n", d.Detail())
			}
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
			}
			if strings.Contains(got.String(), "hunter2") {
				t.Error("the message shows a secret")
			}
		})
	}
}

// TestMessages_complete finds golden files that no message has any more.
func TestMessages_complete(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".golden"); messages[name] == nil {
			t.Errorf("%s belongs to no message", file)
		}
	}
}

// TestMessages_style holds what all messages have in common.
func TestMessages_style(t *testing.T) {
	t.Parallel()
	for name, diagnostics := range messages {
		for _, d := range diagnostics {
			for word := range strings.FieldsSeq(d.Summary()) {
				if small := []string{"and", "from", "in", "the", "to"}; !slices.Contains(small, word) && strings.ToUpper(word[:1]) != word[:1] {
					t.Errorf("%s: the summary %q is not in title case", name, d.Summary())
				}
			}
			if strings.ContainsAny(d.Summary(), "\"`0123456789.") {
				t.Errorf("%s: the summary %q is not static text", name, d.Summary())
			}
			if d.Detail() == "" || d.Detail() == d.Summary() {
				t.Errorf("%s says no more than its summary", name)
			}
		}
	}
}
