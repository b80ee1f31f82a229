package rime

import (
	"strconv"
	"strings"
)

// enum is one of the platform's enums: what its values begin with on the wire, and its values by their numbers, in lower case without that.
//
// The platform writes names. The numbers are for one that does not; they are those of the protocol buffers in rime_sdk 0.19.7, the last
// client that came with them, and protocol buffers never give a number another meaning. A value that is not listed is kept as it came.
type enum struct {
	prefix string
	values []string
}

// unspecified is what every enum calls its zero value.
const unspecified = "unspecified"

// The enums (CONTRACT §3). Rocky Linux came after 0.19.7, as the only other type of package.
var (
	imageStatuses      = enum{"STATUS_", []string{unspecified, "building_first_time", "rebuilding", "ready", "failed", "outdated"}}
	roleTypes          = enum{"ROLE_TYPE_", []string{unspecified, "system", "user_defined"}}
	referenceTypes     = enum{"REFERENCE_TYPE_", []string{unspecified, "rime_dockerhub", "managed"}}
	packageTypes       = enum{"PACKAGE_TYPE_", []string{unspecified, "apt", wireRockyLinux}}
	jobStatuses        = enum{"JOB_STATUS_", []string{unspecified, "pending", "running", "failed", "succeeded", "requested", "cancelled"}}
	jobTypes           = enum{"JOB_TYPE_", []string{unspecified, "model_stress_test", jobTypeImageBuilder}}
	terminationReasons = enum{"TERMINATION_REASON_", []string{unspecified, "not_terminated", reasonOutOfMemory, "completed", reasonGeneric, reasonInternal}}
)

// decode reads a value. Nothing is protobuf's zero value.
func (e enum) decode(text string) string {
	if text == "" {
		return unspecified
	}
	if number, err := strconv.Atoi(text); err == nil {
		if number >= 0 && number < len(e.values) {
			return e.values[number]
		}
		return text
	}
	return strings.ToLower(strings.TrimPrefix(text, e.prefix))
}

// encode writes a value.
func (e enum) encode(value string) string { return e.prefix + strings.ToUpper(value) }
