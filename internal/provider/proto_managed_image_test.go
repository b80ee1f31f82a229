package provider

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/imageregistry"
)

const managedImageType = "rime_managed_image"

var identityType = tftypes.Object{AttributeTypes: map[string]tftypes.Type{"registry": tftypes.String, "name": tftypes.String}}

func newImageServer(t *testing.T, registry imageregistry.Registry) (*protoServer, *tfprotov6.Schema) {
	t.Helper()
	server := newProtoServer(t, New("test", WithRegistry(registry)))
	resp, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: server.value(server.schema.Provider, nil)})
	if err != nil {
		t.Fatal(err)
	}
	server.expectNone(resp.Diagnostics, nil)
	return server, server.schema.ResourceSchemas[managedImageType]
}

// identity is that of an image; the registry may be nil, for an import.
func (s *protoServer) identity(registry any, name string) *tfprotov6.ResourceIdentityData {
	s.t.Helper()
	return &tfprotov6.ResourceIdentityData{IdentityData: s.dynamic(identityType, tftypes.NewValue(identityType, map[string]tftypes.Value{
		"registry": tftypes.NewValue(tftypes.String, registry),
		"name":     tftypes.NewValue(tftypes.String, name),
	}))}
}

// expectIdentity compares an identity.
func (s *protoServer) expectIdentity(got *tfprotov6.ResourceIdentityData, registry, name string) {
	s.t.Helper()
	if got == nil || got.IdentityData == nil {
		s.t.Error("there is no identity")
		return
	}
	value, err := got.IdentityData.Unmarshal(identityType)
	want, _ := s.identity(registry, name).IdentityData.Unmarshal(identityType)
	if err != nil || !value.Equal(want) {
		s.t.Errorf("identity %v, want %v (%v)", value, want, err)
	}
}

// create plans and applies a new image of that name. The context is that of the apply.
func (s *protoServer) create(ctx context.Context, schema *tfprotov6.Schema, name string) *tfprotov6.ApplyResourceChangeResponse {
	s.t.Helper()
	config := s.value(schema, map[string]tftypes.Value{"name": tftypes.NewValue(tftypes.String, name)})
	plan, err := s.PlanResourceChange(context.WithoutCancel(ctx), &tfprotov6.PlanResourceChangeRequest{
		TypeName: managedImageType, PriorState: s.null(schema), ProposedNewState: config, Config: config,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.expectNone(plan.Diagnostics, nil)
	applied, err := s.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: managedImageType, PriorState: s.null(schema), PlannedState: plan.PlannedState, Config: config, PlannedPrivate: plan.PlannedPrivate,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return applied
}

func TestProtoManagedImage_identity(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	server, schema := newImageServer(t, registry)

	applied := server.create(t.Context(), schema, "sklearn")
	server.expectNone(applied.Diagnostics, nil)
	server.expectIdentity(applied.NewIdentity, "registry.test/ml", "sklearn")
	read, err := server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: managedImageType, CurrentState: applied.NewState, Private: applied.Private, CurrentIdentity: applied.NewIdentity,
	})
	server.expectNone(read.Diagnostics, err)
	server.expectIdentity(read.NewIdentity, "registry.test/ml", "sklearn")

	// The same platform may get another address.
	registry.set(func(f *fakeRegistry) { f.elsewhere = true })()
	read, err = server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: managedImageType, CurrentState: applied.NewState, Private: applied.Private, CurrentIdentity: applied.NewIdentity,
	})
	server.expectNone(read.Diagnostics, err)
	server.expectIdentity(read.NewIdentity, "elsewhere.test/ml", "sklearn")
	registry.set(func(f *fakeRegistry) { f.elsewhere = false })()

	registry.set(func(f *fakeRegistry) { clear(f.images) })()
	gone, err := server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: managedImageType, CurrentState: applied.NewState})
	server.expectNone(gone.Diagnostics, err)
	if value, err := gone.NewState.Unmarshal(schema.ValueType()); err != nil || !value.IsNull() {
		t.Errorf("an image that is gone stays in the state: %v, %v", value, err)
	}
}

func TestProtoManagedImage_importByIdentity(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.put(basicSpec, nil)
	server, schema := newImageServer(t, registry)
	importOf := func(place any, name string) *tfprotov6.ImportResourceStateResponse {
		t.Helper()
		resp, err := server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{
			TypeName: managedImageType, Identity: server.identity(place, name),
		})
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}

	for _, place := range []any{nil, "registry.test/ml", "https://registry.test/ml/"} {
		imported := importOf(place, "sklearn")
		server.expectNone(imported.Diagnostics, nil)
		read, err := server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
			TypeName: managedImageType, CurrentState: imported.ImportedResources[0].State,
			Private: imported.ImportedResources[0].Private, CurrentIdentity: imported.ImportedResources[0].Identity,
		})
		server.expectNone(read.Diagnostics, err)
		for attribute, want := range map[string]string{
			"name": "sklearn", "status": "ready", "python_version": "3.11", "deletion_policy": "delete", "registry": "registry.test/ml",
		} {
			if got := server.attribute(schema, read.NewState, attribute); got != want {
				t.Errorf("%s = %q, want %q", attribute, got, want)
			}
		}
		server.expectIdentity(read.NewIdentity, "registry.test/ml", "sklearn")
	}
	for _, refused := range []struct {
		place         any
		name, summary string
	}{
		{nil, "My.Image", "Invalid Managed Image Name"},
		{"registry.test/mlx", "sklearn", "Managed Image Is in Another Registry"},
	} {
		if resp := importOf(refused.place, refused.name); len(resp.Diagnostics) != 1 || resp.Diagnostics[0].Summary != refused.summary {
			t.Errorf("import of %s from %v: %v", refused.name, refused.place, resp.Diagnostics)
		}
	}
}

// Terraform ends the request's context when the user interrupts it.
func TestProtoManagedImage_interrupt(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.endless = true
	server, schema := newImageServer(t, registry)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		<-registry.started
		interrupt()
	}()
	applied := server.create(ctx, schema, "sklearn")
	if len(applied.Diagnostics) != 1 || applied.Diagnostics[0].Summary != "Managed Image Build Interrupted" ||
		!strings.Contains(applied.Diagnostics[0].Detail, "The build was cancelled and has ended.") {
		t.Errorf("got %v", applied.Diagnostics)
	}
	if got := server.attribute(schema, applied.NewState, "status"); got != "failed" {
		t.Errorf("the state says that the image is %q", got)
	}
	registry.expectChanges(t, "Create sklearn", "CancelBuild sklearn/1")
}

// A build that succeeds while it is being cancelled has succeeded.
func TestProtoManagedImage_interruptTooLate(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.endless, registry.endsWhenCancelled = true, true
	server, schema := newImageServer(t, registry)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		<-registry.started
		interrupt()
	}()
	applied := server.create(ctx, schema, "sklearn")
	server.expectNone(applied.Diagnostics, nil)
	if got := server.attribute(schema, applied.NewState, "status"); got != "ready" {
		t.Errorf("the state says that the image is %q", got)
	}
}

// Reads of one resource leave the others alone: none of them lists.
func TestProtoManagedImage_readAsksOnce(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	server, schema := newImageServer(t, registry)
	applied := server.create(t.Context(), schema, "sklearn")
	registry.changes()
	read, err := server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: managedImageType, CurrentState: applied.NewState})
	server.expectNone(read.Diagnostics, err)
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if !slices.Equal(registry.calls, []string{"Get sklearn"}) {
		t.Errorf("a read of an unchanged image asked %q", registry.calls)
	}
}

// identitySchemas is how a CLI that knows identities writes their schemas in `terraform providers schema -json`.
type identitySchemas map[string]struct {
	Version    int64                        `json:"version"`
	Attributes map[string]identityAttribute `json:"attributes"`
}

type identityAttribute struct {
	Type              tftypes.Type `json:"type"`
	Description       string       `json:"description"`
	RequiredForImport bool         `json:"required_for_import,omitempty"`
	OptionalForImport bool         `json:"optional_for_import,omitempty"`
}

var updateIdentities = flag.Bool("update-identities", false, "write testdata/identity_schemas.json")

// TestProtoIdentitySchemas keeps testdata/identity_schemas.json, from which the documentation is made as long as the CLI at hand is older than 1.12
// and leaves identities out. Run with -update-identities to write it.
func TestProtoIdentitySchemas(t *testing.T) {
	t.Parallel()
	server, _ := newImageServer(t, newFakeRegistry())
	resp, err := server.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	schemas := identitySchemas{}
	for name, schema := range resp.IdentitySchemas {
		one := schemas[name]
		one.Version, one.Attributes = schema.Version, map[string]identityAttribute{}
		for _, a := range schema.IdentityAttributes {
			one.Attributes[a.Name] = identityAttribute{a.Type, a.Description, a.RequiredForImport, a.OptionalForImport}
		}
		schemas[name] = one
	}
	got, err := json.Marshal(schemas)
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/identity_schemas.json"
	if *updateIdentities {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Where the registry is may not be known yet at plan: the state is shown as it is, with a warning, and a change is planned in place.
func TestProtoManagedImage_registryNotKnownYet(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	applied, schema := newImageServer(t, registry)
	state := applied.create(t.Context(), schema, "sklearn")

	server := newProtoServer(t, New("test"))
	embedded := server.schema.Provider.ValueType().(tftypes.Object).AttributeTypes["embedded_registry"]
	resp, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: server.value(server.schema.Provider, map[string]tftypes.Value{
		"embedded_registry": tftypes.NewValue(embedded, tftypes.UnknownValue),
	})})
	server.expectNone(resp.Diagnostics, err)

	read, err := server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: managedImageType, CurrentState: state.NewState})
	if err != nil || len(read.Diagnostics) != 1 || read.Diagnostics[0].Severity != tfprotov6.DiagnosticSeverityWarning ||
		read.Diagnostics[0].Summary != "Managed Image Not Refreshed" {
		t.Errorf("got %v, %v", read.Diagnostics, err)
	}
	if got := server.attribute(schema, read.NewState, "status"); got != "ready" {
		t.Errorf("the state became %q", got)
	}
	config := server.value(schema, map[string]tftypes.Value{
		"name": tftypes.NewValue(tftypes.String, "sklearn"), "python_version": tftypes.NewValue(tftypes.String, "3.12"),
	})
	plan, err := server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: managedImageType, PriorState: state.NewState, ProposedNewState: config, Config: config,
	})
	server.expectNone(plan.Diagnostics, err)
	if len(plan.RequiresReplace) != 0 {
		t.Errorf("a replacement was planned: %v", plan.RequiresReplace)
	}
	if got := server.attribute(schema, plan.PlannedState, "rebuild_reason"); got != "python version changed: 3.11 -> 3.12" {
		t.Errorf("reason %q", got)
	}
}

// What exists is in the state even if the registry cannot be asked any more right after.
func TestProtoManagedImage_savedAtOnce(t *testing.T) {
	t.Parallel()
	registry := newUpdatingRegistry()
	registry.endless = true
	server, schema := newImageServer(t, registry)
	go func() {
		<-registry.started
		registry.set(func(f *fakeRegistry) { f.errs["Get"] = errors.New("502 Bad Gateway") })()
	}()
	applied := server.create(t.Context(), schema, "sklearn")
	if len(applied.Diagnostics) != 1 || applied.Diagnostics[0].Summary != "Managed Image Build Not Watched" || applied.Diagnostics[0].Severity != tfprotov6.DiagnosticSeverityWarning {
		t.Errorf("got %v", applied.Diagnostics)
	}
	if got := server.attribute(schema, applied.NewState, "status"); got != "building_first_time" {
		t.Errorf("the state says that the image is %q", got)
	}
	server.expectIdentity(applied.NewIdentity, "registry.test/ml", "sklearn")
}

// planOf plans an image from that configuration, which differs from nothing but its defaults.
func (s *protoServer) planOf(schema *tfprotov6.Schema, prior *tfprotov6.DynamicValue, attributes map[string]any) *tfprotov6.PlanResourceChangeResponse {
	s.t.Helper()
	config := s.dynamic(schema.ValueType(), terraformValue(s.t, schema.ValueType(), attributes))
	resp, err := s.PlanResourceChange(s.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: managedImageType, PriorState: prior, ProposedNewState: config, Config: config,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return resp
}

// Two resources cannot have one image. One resource that is replaced on request is planned twice, and is no two.
func TestProtoManagedImage_nameTwice(t *testing.T) {
	t.Parallel()
	churn := map[string]any{"name": "churn"}
	other := map[string]any{"name": "churn", "python_version": "3.12"}
	prefixed := map[string]any{"name_prefix": "churn-"}
	for name, test := range map[string]struct {
		// exists tells which of the plans are of an image that the state has.
		plans  []map[string]any
		exists []bool
		want   string
	}{
		"the same twice":       {[]map[string]any{churn, churn}, []bool{false, false}, "Managed Image Name Taken Twice"},
		"another of that name": {[]map[string]any{churn, other}, []bool{false, false}, "Managed Image Name Taken Twice"},
		"of one prefix":        {[]map[string]any{prefixed, prefixed}, []bool{false, false}, "Managed Image Name Taken Twice"},
		"one that exists":      {[]map[string]any{churn, other}, []bool{true, false}, "Managed Image Name Taken Twice"},
		"and after it":         {[]map[string]any{other, churn}, []bool{false, true}, "Managed Image Name Taken Twice"},
		"-replace":             {[]map[string]any{churn, churn}, []bool{true, false}, ""},
		"different names":      {[]map[string]any{churn, {"name": "fraud"}}, []bool{false, false}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			maker, schema := newImageServer(t, newUpdatingRegistry())
			state := maker.create(t.Context(), schema, "churn").NewState
			server, _ := newImageServer(t, newUpdatingRegistry())
			var told []*tfprotov6.Diagnostic
			for i, config := range test.plans {
				prior := server.null(schema)
				if test.exists[i] {
					prior = state
				}
				told = append(told, server.planOf(schema, prior, config).Diagnostics...)
			}
			switch {
			case test.want == "" && len(told) > 0, test.want != "" && (len(told) != 1 || told[0].Summary != test.want):
				t.Errorf("got %v", told)
			}
		})
	}
}

// A plan that replaces an image says why, and that there is none during the build.
func TestProtoManagedImage_replacementTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, after  map[string]any
		summary, words string
	}{
		"fixed name": {
			before: map[string]any{"name": "churn"}, after: map[string]any{"name": "churn", "pip_requirements": []any{"pandas"}},
			summary: "No Managed Image During the Build", words: "pip requirements changed: + pandas.",
		},
		"prefix": {
			before: map[string]any{"name_prefix": "churn-"}, after: map[string]any{"name_prefix": "churn-", "rocky_linux_packages": []any{"vim"}},
			summary: "Managed Image Is Replaced", words: "rocky linux packages changed: + vim.",
		},
		"another name": {
			before: map[string]any{"name": "churn"}, after: map[string]any{"name": "fraud"},
			summary: "Managed Image Is Replaced", words: "name changed: churn -> fraud.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, schema := newImageServer(t, newFakeRegistry())
			created := server.planOf(schema, server.null(schema), test.before)
			config := server.dynamic(schema.ValueType(), terraformValue(t, schema.ValueType(), test.before))
			applied, err := server.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{
				TypeName: managedImageType, PriorState: server.null(schema), PlannedState: created.PlannedState, Config: config, PlannedPrivate: created.PlannedPrivate,
			})
			server.expectNone(applied.Diagnostics, err)
			planned := server.planOf(schema, applied.NewState, test.after)
			if len(planned.RequiresReplace) == 0 || len(planned.Diagnostics) != 1 || planned.Diagnostics[0].Severity != tfprotov6.DiagnosticSeverityWarning ||
				planned.Diagnostics[0].Summary != test.summary || !strings.Contains(planned.Diagnostics[0].Detail, test.words) {
				t.Errorf("replaced by %v: %v", planned.RequiresReplace, planned.Diagnostics)
			}
		})
	}
}
