package rime

import "slices"

// The values of enums have the place that they have in the platform's protocol: the number of each is its index. The numbers are
// those of the protocol buffers in rime_sdk 0.19, the last client that came with them. What came later follows in the order
// of the documentation.

const (
	imageUnspecified = "STATUS_UNSPECIFIED"
	imageFirstBuild  = "STATUS_BUILDING_FIRST_TIME"
	imageRebuilding  = "STATUS_REBUILDING"
	imageReady       = "STATUS_READY"
	imageFailed      = "STATUS_FAILED"
	imageOutdated    = "STATUS_OUTDATED"
)

var imageStatuses = []string{imageUnspecified, imageFirstBuild, imageRebuilding, imageReady, imageFailed, imageOutdated}

const (
	roleSystem      = "ROLE_TYPE_SYSTEM"
	roleUserDefined = "ROLE_TYPE_USER_DEFINED"
)

var roleTypes = []string{"ROLE_TYPE_UNSPECIFIED", roleSystem, roleUserDefined}

const (
	referenceDockerHub = "REFERENCE_TYPE_RIME_DOCKERHUB"
	referenceManaged   = "REFERENCE_TYPE_MANAGED"
)

var referenceTypes = []string{
	"REFERENCE_TYPE_UNSPECIFIED", referenceDockerHub, referenceManaged, "REFERENCE_TYPE_EXTERNAL_ECR", "REFERENCE_TYPE_EXTERNAL_GAR",
}

const (
	packageUnspecified = "PACKAGE_TYPE_UNSPECIFIED"
	packageAPT         = "PACKAGE_TYPE_APT"
	packageRockyLinux  = "PACKAGE_TYPE_ROCKYLINUX"
)

var packageTypes = []string{packageUnspecified, packageAPT, packageRockyLinux}

const (
	jobRequested   = "JOB_STATUS_REQUESTED"
	jobPending     = "JOB_STATUS_PENDING"
	jobRunning     = "JOB_STATUS_RUNNING"
	jobSucceeded   = "JOB_STATUS_SUCCEEDED"
	jobFailed      = "JOB_STATUS_FAILED"
	jobCancelled   = "JOB_STATUS_CANCELLED"
	jobReconciling = "JOB_STATUS_RECONCILING"
)

var jobStatuses = []string{
	"JOB_STATUS_UNSPECIFIED", jobPending, jobRunning, jobFailed, jobSucceeded, jobRequested, jobCancelled, jobReconciling,
}

const jobImageBuilder = "JOB_TYPE_IMAGE_BUILDER"

var jobTypes = []string{"JOB_TYPE_UNSPECIFIED", "JOB_TYPE_MODEL_STRESS_TEST", jobImageBuilder}

const (
	reasonNotTerminated = "TERMINATION_REASON_NOT_TERMINATED"
	reasonOutOfMemory   = "TERMINATION_REASON_OOMKILLED"
	reasonCompleted     = "TERMINATION_REASON_COMPLETED"
	reasonGeneric       = "TERMINATION_REASON_GENERIC_ERROR"
	reasonInternal      = "TERMINATION_REASON_INTERNAL_ERROR"
)

var terminationReasons = []string{
	"TERMINATION_REASON_UNSPECIFIED", reasonNotTerminated, reasonOutOfMemory, reasonCompleted, reasonGeneric, reasonInternal,
}

const (
	viewBasic = "JOB_VIEW_BASIC"
	viewFull  = "JOB_VIEW_FULL"
)

var jobViews = []string{"JOB_VIEW_UNSPECIFIED", viewBasic, viewFull}

// enumNumber finds the number of a value of any enum that is sent.
func enumNumber(value string) (int, bool) {
	for _, enum := range [][]string{imageStatuses, roleTypes, referenceTypes, packageTypes, jobStatuses, jobTypes, terminationReasons} {
		if i := slices.Index(enum, value); i >= 0 {
			return i, true
		}
	}
	return 0, false
}
