package diags_test

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/httpx"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
	"github.com/managed-images/terraform-provider-rime/internal/requirement"
)

// hubAnswered is an answer of a PrimeHub platform.
func hubAnswered(operation string, status int, code, message string, kind primehub.Kind) *primehub.APIError {
	return &primehub.APIError{Operation: operation, URL: "https://primehub.test", StatusCode: status, Code: code, Message: message, Kind: kind}
}

func onHub(op diags.PrimeHubOperation, err error) diag.Diagnostics {
	return diag.Diagnostics{diags.FromPrimeHub(op, "churn-x7k2p", err)}
}

func hubUnfinished(cause, cancel error, phase primehub.Phase, hint string) diag.Diagnostics {
	return diag.Diagnostics{diags.UnfinishedPrimeHubBuild{
		Name: "churn-x7k2p", Cause: cause, Cancel: cancel, Wait: &primehub.BuildUnfinishedError{Name: "churn-x7k2p", Phase: phase, Hint: hint, Err: cause},
	}.Diagnostic()}
}

func hubEntries(installer requirement.Installer, entries ...string) diag.Diagnostics {
	_, refused := requirement.CheckEntries(installer, entries)
	return diags.InvalidEntries(path.Root("build").AtName(string(installer)+"_packages"), refused)
}

// manyGroups are more groups than a message names.
var manyGroups = func() (names []string) {
	for i := range 25 {
		names = append(names, fmt.Sprintf("team-%02d", i))
	}
	return names
}()

var (
	errHubToken    = hubAnswered("GetImage", 500, "INTERNAL_SERVER_ERROR", "Context creation failed: Invalid API Token", primehub.KindUnauthenticated)
	errHubNotAuth  = hubAnswered("CreateImage", 200, "NOT_AUTH", "Not authorise", primehub.KindForbidden)
	errHubRefused  = hubAnswered("CreateImage", 200, "INTERNAL_SERVER_ERROR", "HTTP request failed", primehub.KindKubernetes)
	errHubNoGroup  = hubAnswered("CreateImage", 200, "INTERNAL_SERVER_ERROR", "Request failed with status code 404", primehub.KindKeycloak)
	errHubConflict = hubAnswered("CreateImage", 200, "RESOURCE_CONFLICT", "Resource already exist", primehub.KindConflict)
)

// primehubMessages are the messages that are particular to PrimeHub platforms.
var primehubMessages = map[string]diag.Diagnostics{
	"primehub_unauthenticated":  onHub(diags.ReadGroupImage, errHubToken),
	"primehub_create_not_auth":  onHub(diags.CreateGroupImage, errHubNotAuth),
	"primehub_group_not_auth":   onHub(diags.ReadGroup, hubAnswered("Group", 200, "INTERNAL_SERVER_ERROR", "Not Authorised!", primehub.KindForbidden)),
	"primehub_list_forbidden":   {diags.FromPrimeHub(diags.ListSecrets, "", hubAnswered("ListSecrets", 200, "INTERNAL_SERVER_ERROR", "Not Authorised!", primehub.KindForbidden))},
	"primehub_edition":          onHub(diags.CreateGroupImage, hubAnswered("CreateImage", 400, "GRAPHQL_VALIDATION_FAILED", `Unknown type "ImageSpecUpdateInput".`, primehub.KindInvalid)),
	"primehub_unavailable":      onHub(diags.ReadGroupImage, hubAnswered("ListImages", 200, "INTERNAL_SERVER_ERROR", "API_UNAVAILABLE", primehub.KindUnavailable)),
	"primehub_kubernetes":       onHub(diags.UpdateGroupImage, errHubRefused),
	"primehub_web_page":         onHub(diags.ReadGroupImage, hubAnswered("GetImage", 200, "", "Sign in", primehub.KindWebPage)),
	"primehub_not_there":        {diags.FromPrimeHub(diags.ListGroupImages, "", hubAnswered("ListImages", 404, "", "Not Found", primehub.KindNotPrimeHub))},
	"primehub_broken":           onHub(diags.ReadGroupImage, hubAnswered("GetImage", 200, "", "the answer is not what the API sends: unexpected end of JSON input", primehub.KindBroken)),
	"primehub_no_answer":        onHub(diags.ReadGroupImage, &primehub.APIError{Operation: "GetImage", URL: "https://primehub.test", Kind: primehub.KindNoAnswer, Message: "no answer within 1m0s", Err: &httpx.TimeoutError{After: time.Minute}}),
	"primehub_read_timeout":     onHub(diags.ReadGroupImage, fmt.Errorf("looking: %w", &diags.TimeoutError{Setting: "timeouts.read", After: 5 * time.Minute})),
	"primehub_read_interrupted": onHub(diags.ReadGroupImage, context.Canceled),

	"primehub_not_configured":  onHub(diags.CreateGroupImage, diags.ErrNoPrimeHub),
	"primehub_configuration":   onHub(diags.CreateGroupImage, &diags.ConfigurationError{Err: &primehub.ConfigError{Field: "endpoint", Problem: "carries a user; leave that out"}}),
	"primehub_not_known_yet":   {diags.FromPrimeHub(diags.ListGroupImages, "", diags.ErrNotKnownYet)},
	"primehub_not_refreshed":   {diags.GroupImageNotRefreshed("churn-x7k2p")},
	"primehub_image_twice":     {diags.GroupImageTwice("churn-x7k2p")},
	"primehub_other_platform":  {diags.OtherPlatform(path.Root("endpoint"), "https://other.test/api/graphql", "https://primehub.test/api/graphql")},
	"primehub_image_not_found": {diags.GroupImageNotFound("churn-x7k2p")},
	"primehub_image_gone":      onHub(diags.UpdateGroupImage, fmt.Errorf("image: %w", primehub.ErrNotFound)),
	"primehub_image_exists":    onHub(diags.CreateGroupImage, fmt.Errorf("image: %w", primehub.ErrAlreadyExists)),
	"primehub_name_refused":    onHub(diags.CreateGroupImage, primehub.CheckName("Churn", true)),
	"primehub_group_unknown":   onHub(diags.CreateGroupImage, &primehub.GroupNotFoundError{Name: "data-sience", Admin: true, Visible: manyGroups}),
	"primehub_group_not_seen":  {diags.FromPrimeHub(diags.ReadGroup, "data-sience", &primehub.GroupNotFoundError{Name: "data-sience", Visible: []string{"data-science", "research"}})},
	"primehub_secret_by_name":  {diags.PullSecretByName(path.Root("build").AtName("image_pull_secret"), "dockerhub", "image-dockerhub")},
	"primehub_group_image_access": {
		diags.GroupImageAccess("global", "data-science", false), diags.GroupImageAccess("groups", "data-science", true),
	},

	"primehub_orphaned_role":     onHub(diags.CreateGroupImage, &primehub.OrphanedRoleError{Name: "churn-x7k2p", Err: errHubConflict}),
	"primehub_not_created":       onHub(diags.CreateGroupImage, &primehub.FailedCreateError{Name: "churn-x7k2p", Err: errHubRefused}),
	"primehub_incomplete":        onHub(diags.CreateGroupImage, &primehub.IncompleteError{Name: "churn-x7k2p", Err: errHubNoGroup}),
	"primehub_unfinished":        diags.Warnings(onHub(diags.FinishGroupImage, hubAnswered("GetImage", 200, "INTERNAL_SERVER_ERROR", "connect ECONNREFUSED keycloak:8080", primehub.KindUnavailable))),
	"primehub_unwatched":         onHub(diags.AwaitGroupImage, hubAnswered("PollImage", 200, "INTERNAL_SERVER_ERROR", "HTTP request failed", primehub.KindKubernetes)),
	"primehub_unfinished_access": diags.Warnings(onHub(diags.FinishGroupImage, &primehub.IncompleteError{Name: "churn-x7k2p", Err: errHubNoGroup})),
	"primehub_unfinished_replaced": onHub(diags.AwaitGroupImage, &primehub.BuildSupersededError{
		Name: "churn-x7k2p", At: time.Unix(1767323045, 0), Err: &primehub.BuildCancelledError{Name: "churn-x7k2p"},
	}),
	"primehub_role_missing": onHub(diags.UpdateGroupImage, &primehub.IncompleteError{
		Name: "churn-x7k2p", RoleMissing: true,
		Err: hubAnswered("UpdateImage", 200, "INTERNAL_SERVER_ERROR", "Cannot read properties of null (reading 'id')", primehub.KindNoRole),
	}),
	"primehub_delete_stuck": onHub(diags.DeleteGroupImage, &primehub.DeleteStuckError{Name: "churn-x7k2p", Err: errHubNoGroup}),
	"primehub_still_there":  onHub(diags.DeleteGroupImage, &primehub.StillThereError{Name: "churn-x7k2p", After: 2 * time.Minute}),

	"primehub_build_failed": onHub(diags.CreateGroupImage, &primehub.BuildFailedError{
		Name: "churn-x7k2p", Step: primehub.StepBuild, Installer: "pip", Package: "nosuch==1",
		Message: "ERROR: No matching distribution found for nosuch==1", Hint: "Check the name and the version.", LogTail: longLog,
	}),
	"primehub_build_push_denied": onHub(diags.CreateGroupImage, &primehub.BuildFailedError{
		Name: "churn-x7k2p", Step: primehub.StepPush, Message: "denied: requested access to the resource is denied", Hint: "PrimeHub's image builder may not push to its registry.",
		LogTail: []string{"[Step: push]", "denied: requested access to the resource is denied"},
	}),
	"primehub_build_without_log": onHub(diags.UpdateGroupImage, &primehub.BuildFailedError{
		Name: "churn-x7k2p", LogErr: hubAnswered("Log", 403, "INTERNAL_ERROR", "request not authorized", primehub.KindForbidden),
	}),
	"primehub_build_cancelled":  onHub(diags.CreateGroupImage, &primehub.BuildCancelledError{Name: "churn-x7k2p"}),
	"primehub_build_superseded": onHub(diags.UpdateGroupImage, &primehub.BuildSupersededError{Name: "churn-x7k2p", At: time.Unix(1767323045, 0)}),
	"primehub_build_no_secret": onHub(diags.CreateGroupImage, &primehub.BuildUnfinishedError{
		Name: "churn-x7k2p", MissingSecret: "image-nosuch", Hint: "Name an image pull secret that exists.",
	}),
	"primehub_build_lost":        onHub(diags.UpdateGroupImage, &primehub.LostWriteError{Name: "churn-x7k2p", What: "build the recipe", After: 30 * time.Second}),
	"primehub_build_unexpected":  onHub(diags.UpdateGroupImage, &primehub.UnexpectedImageError{Name: "churn-x7k2p", URL: "registry.test/churn:11111111", Hash: "22222222"}),
	"primehub_build_not_built":   onHub(diags.UpdateGroupImage, &primehub.NotBuiltError{Name: "churn-x7k2p"}),
	"primehub_build_interrupted": hubUnfinished(context.Canceled, nil, primehub.PhaseRunning, ""),
	"primehub_build_stuck": hubUnfinished(&diags.TimeoutError{Setting: "timeouts.create", After: 90 * time.Minute}, nil, primehub.PhasePending,
		"The build's pod cannot start. Known causes: PrimeHub's image builder is not configured."),
	"primehub_build_uncertain": hubUnfinished(context.Canceled, hubAnswered("CancelImageBuild", 503, "", "restarting", primehub.KindOther), primehub.PhaseWaiting, ""),
	"primehub_build_of_others": hubUnfinished(context.Canceled, diags.ErrBuildNotOurs, primehub.PhaseRunning, ""),
	"primehub_build_created": {diags.UnfinishedPrimeHubBuild{
		Name: "churn-x7k2p", Cause: context.Canceled, Wait: context.Canceled, Created: true,
		Cancel: hubAnswered("CancelImageBuild", 503, "", "restarting", primehub.KindOther),
	}.Diagnostic()},

	"primehub_entry_of_the_documents": hubEntries(requirement.InstallerConda, "-c conda-forge::numpy==1.17*"),
	"primehub_entries":                hubEntries(requirement.InstallerPip, "numpy>=1.2", "torch==1.8.0", ""),
}

func init() {
	maps.Copy(messages, primehubMessages)
}
