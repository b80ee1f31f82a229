package diags_test

import (
	"errors"
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/embedded"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
	"github.com/managed-images/terraform-provider-rime/internal/pythonindex"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/lockfile"
	"github.com/managed-images/terraform-provider-rime/internal/requirement/pep508"
	"github.com/managed-images/terraform-provider-rime/internal/resolve"
)

func lockFailed(err error) diag.Diagnostics {
	return diag.Diagnostics{diags.LockFailed(imageregistry.Spec{Name: "churn"}, err)}
}

func fileRefused(problem string) diag.Diagnostics {
	spec := imageregistry.Spec{Name: "churn", PipLockFile: "numpy==2.1.0 --hash=sha256:0a"}
	return diag.Diagnostics{diags.LockFailed(spec, &embedded.LockFileError{Err: errors.New(problem)})}
}

// foreignLock is the error of a lock that was made for Windows.
func foreignLock() error {
	file, err := lockfile.Parse("lock-version = '1.0'\nenvironments = [\"sys_platform == 'win32'\"]")
	if err != nil {
		return err
	}
	_, err = file.For(pep508.Environment{"python_full_version": "3.11.2", "python_version": "3.11", "platform_machine": "x86_64", "sys_platform": "linux"})
	return &embedded.LockFileError{Err: err}
}

// onIndex is what a package index answered.
func onIndex(status int, words string, err error) *pythonindex.Error {
	return &pythonindex.Error{Index: "https://pypi.test", Project: "numpy", What: "page", Status: status, Words: words, Err: err}
}

func atAddress(status int, err error) *pythonindex.DirectError {
	return &pythonindex.DirectError{Name: "model", Origin: "https://git.test", Status: status, Err: err}
}

var (
	errLate  = &httpx.TimeoutError{After: time.Minute}
	misspelt = &resolve.ConflictError{Unmet: []resolve.Unmet{{
		Name: "nunpy", Unknown: true, Similar: []string{"numpy"}, Needs: []resolve.Need{{Requirement: "nunpy>=2"}},
	}}}
)

// lockMessages are about the versions that an image will hold.
var lockMessages = map[string]diag.Diagnostics{
	"lock_conflict":      lockFailed(misspelt),
	"lock_conflict_data": {diags.LockFailed(imageregistry.Spec{}, misspelt)},
	"lock_base":          lockFailed(&embedded.UnusableBaseError{Reference: "registry.test/python:3.11", Problem: "has Python 3.9.2, not 3.11"}),
	"lock_file":          fileRefused("no package index has a file of numpy 2.1.0 with a hash of the lock"),
	"lock_file_foreign":  {diags.LockFailed(imageregistry.Spec{Name: "churn", PipLockFile: "[lock]"}, foreignLock())},
	"lock_open":          lockFailed(&embedded.OpenLockError{Reason: "no package index is known"}),
	"lock_replaced": lockFailed(&embedded.ReplacedFileError{
		File: "numpy-2.1.0-cp311-cp311-manylinux_2_17_x86_64.whl", Index: "https://pypi.test", Locked: "0a1b", Found: "2c3d",
	}),
	"lock_index_refused":       lockFailed(onIndex(403, "token expired", nil)),
	"lock_index_down":          lockFailed(onIndex(503, "maintenance", nil)),
	"lock_index_silent":        lockFailed(onIndex(0, "", errLate)),
	"lock_index_no_index":      lockFailed(onIndex(404, "", nil)),
	"lock_address_refused":     lockFailed(atAddress(401, nil)),
	"lock_address_gone":        lockFailed(atAddress(404, nil)),
	"lock_address_ref":         lockFailed(atAddress(0, &pythonindex.RefError{Similar: []string{"v1.0"}})),
	"lock_other":               lockFailed(errors.New("something is wrong")),
	"lock_not_planned":         {diags.LockNotPlanned("churn", onIndex(0, "", errLate))},
	"lock_not_upgraded":        {diags.UpgradesNotChecked("churn", onIndex(503, "", nil))},
	"lock_after_build":         {diags.LockOpen("churn", "the base image registry.test/python:3.11 could not be read: no such host")},
	"lock_sources":             {diags.BuiltFromSource("churn", []imageregistry.Source{{Name: "sklearn", Version: "0.0"}, {Name: "wget", Version: "3.2"}})},
	"package_index_incomplete": {diags.IncompletePackageIndex(path.Root("embedded_registry").AtName("pip").AtName("indexes").AtMapKey("pytorch"))},
	"lock_two_kinds":           {diags.TwoKindsOfRequirements(path.Root("pip_requirements"))},
	"lock_on_platform":         {diags.NotOnPlatform(path.Root("pip_lock_file"), "is a lock of files and hashes", "Write exact versions in pip_requirements, such as numpy==2.1.0.")},
	"lock_resolution_open":     {diags.ResolutionOpen("the base image registry.test/python:3.11 could not be read: no such host")},
}

func init() { maps.Copy(messages, lockMessages) }
