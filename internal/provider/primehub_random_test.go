package provider

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/managed-images/terraform-provider-rime/internal/sandbox/primehub"
)

// An image that was made from a configuration plans nothing afterwards, whatever the configuration: 250 at random, existing and built, of groups and of the system.
func TestProtoGroupImage_noSpuriousDifference(t *testing.T) {
	t.Parallel()
	hub := startHub(t, primehub.Options{BuildTime: 20 * time.Millisecond})
	server := onHubServer(t, hub, primehub.TokenAdmin)
	of, ok := server.schema.ResourceSchemas[groupImageType].ValueType().(tftypes.Object)
	if !ok {
		t.Fatal("the schema's type is no object")
	}
	random := randomImages{rand.New(rand.NewPCG(5, 11))}
	limit := make(chan struct{}, 100)
	var makers sync.WaitGroup
	for i := range 250 {
		config := random.value(of, i)
		makers.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			name, err := appliesOnce(t.Context(), server, of, config)
			if err == nil {
				err = hub.Remove(name) // the platform lists all images for every look
			}
			if err != nil {
				t.Errorf("%s: %v", config, err)
			}
		})
	}
	makers.Wait()
}

// appliesOnce creates an image from a configuration, reads it, and expects that nothing is planned then. It returns the name of the image.
func appliesOnce(ctx context.Context, server tfprotov6.ProviderServer, of tftypes.Object, config tftypes.Value) (name string, err error) {
	given, err := tfprotov6.NewDynamicValue(of, config)
	if err != nil {
		return "", err
	}
	null, err := tfprotov6.NewDynamicValue(of, tftypes.NewValue(of, nil))
	if err != nil {
		return "", err
	}
	valid, err := server.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: groupImageType, Config: &given})
	if err := troubled(err, valid.Diagnostics); err != nil {
		return "", err
	}
	planned, err := server.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{TypeName: groupImageType, Config: &given, ProposedNewState: &given, PriorState: &null})
	if err := troubled(err, planned.Diagnostics); err != nil {
		return "", err
	}
	applied, err := server.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: groupImageType, Config: &given, PriorState: &null, PlannedState: planned.PlannedState, PlannedPrivate: planned.PlannedPrivate,
	})
	if err := troubled(err, applied.Diagnostics); err != nil {
		return "", err
	}
	read, err := server.ReadResource(ctx, &tfprotov6.ReadResourceRequest{TypeName: groupImageType, CurrentState: applied.NewState, Private: applied.Private})
	if err := troubled(err, read.Diagnostics); err != nil {
		return "", err
	}
	before, err := read.NewState.Unmarshal(of)
	if err != nil {
		return "", err
	}
	proposed, err := tfprotov6.NewDynamicValue(of, proposal(config, before))
	if err != nil {
		return "", err
	}
	again, err := server.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: groupImageType, Config: &given, PriorState: read.NewState, ProposedNewState: &proposed, PriorPrivate: read.Private,
	})
	if err := troubled(err, again.Diagnostics); err != nil {
		return "", err
	}
	after, err := again.PlannedState.Unmarshal(of)
	if err != nil {
		return "", err
	}
	if differences, err := before.Diff(after); err != nil || len(differences) > 0 || len(again.RequiresReplace) > 0 {
		return "", fmt.Errorf("something is planned: %v, %w", differences, err)
	}
	var attributes map[string]tftypes.Value
	if err := before.As(&attributes); err != nil {
		return "", err
	}
	return name, attributes["name"].As(&name)
}

func troubled(err error, diagnostics []*tfprotov6.Diagnostic) error {
	for _, d := range diagnostics {
		err = errors.Join(err, errors.New(d.Summary+": "+d.Detail))
	}
	return err
}

// proposal is what Terraform proposes: what is configured, and what was there before of the rest.
func proposal(config, prior tftypes.Value) tftypes.Value {
	if config.IsNull() {
		return prior
	}
	if !config.Type().Is(tftypes.Object{}) || prior.IsNull() {
		return config
	}
	var given, before map[string]tftypes.Value
	if config.As(&given) != nil || prior.As(&before) != nil {
		return config
	}
	merged := map[string]tftypes.Value{}
	for name, value := range given {
		merged[name] = proposal(value, before[name])
	}
	return tftypes.NewValue(config.Type(), merged)
}

// randomImages makes configurations of images.
type randomImages struct{ *rand.Rand }

// maybe is one of these texts, or null.
func (r randomImages) maybe(texts ...string) tftypes.Value {
	if i := r.IntN(len(texts) + 1); i < len(texts) {
		return tftypes.NewValue(tftypes.String, texts[i])
	}
	return tftypes.NewValue(tftypes.String, nil)
}

// object is an object of that type with these attributes; the others are null.
func (r randomImages) object(of tftypes.Type, attributes map[string]tftypes.Value) tftypes.Value {
	values := map[string]tftypes.Value{}
	object, ok := of.(tftypes.Object)
	if !ok {
		return tftypes.NewValue(of, nil)
	}
	for name, kind := range object.AttributeTypes {
		values[name] = tftypes.NewValue(kind, nil)
		if value, given := attributes[name]; given {
			values[name] = value
		}
	}
	return tftypes.NewValue(of, values)
}

// value is the configuration of an image.
func (r randomImages) value(of tftypes.Object, number int) tftypes.Value {
	attributes := map[string]tftypes.Value{
		"display_name": tftypes.NewValue(tftypes.String, fmt.Sprintf("%s %d", []string{"Churn", "r-4", "a.b", "Ünïcode", "__"}[r.IntN(5)], number)),
		"description":  r.maybe("", "A text", "two\nlines"),
		"type":         r.maybe("cpu", "gpu", "universal"),
		"group":        r.maybe("", "data-science", "research"),
	}
	if r.IntN(2) == 0 {
		attributes["name"] = tftypes.NewValue(tftypes.String, fmt.Sprintf("image-%d.x", number))
	}
	if group := attributes["group"]; group.IsNull() || group.Equal(tftypes.NewValue(tftypes.String, "")) {
		attributes["global"] = tftypes.NewValue(tftypes.Bool, []any{nil, true, false}[r.IntN(3)])
		if r.IntN(2) == 0 {
			attributes["groups"] = tftypes.NewValue(tftypes.Set{ElementType: tftypes.String}, []tftypes.Value{tftypes.NewValue(tftypes.String, "research")})
		}
	}
	if r.IntN(4) == 0 { // they take their time
		attributes["build"] = r.build(of.AttributeTypes["build"])
	} else {
		existing := map[string]tftypes.Value{"url": tftypes.NewValue(tftypes.String, fmt.Sprintf("registry.test/a:%d", number)), "image_pull_secret": r.maybe("", "image-dockerhub")}
		if kind := attributes["type"]; kind.IsNull() || kind.Equal(tftypes.NewValue(tftypes.String, "universal")) {
			existing["url_for_gpu"] = r.maybe("", "registry.test/gpu:1", fmt.Sprintf("registry.test/a:%d", number))
		}
		attributes["existing"] = r.object(of.AttributeTypes["existing"], existing)
	}
	return r.object(of, attributes)
}

func (r randomImages) build(of tftypes.Type) tftypes.Value {
	build := map[string]tftypes.Value{"base_image_url": tftypes.NewValue(tftypes.String, "jupyter/base-notebook"), "image_pull_secret": r.maybe("", "image-internal")}
	if r.IntN(5) > 0 {
		build["apt_packages"] = r.entries("curl", "vim=2:8.1.2269-1ubuntu5.7", "libc6:i386", "python3-pip")
		build["conda_packages"] = r.entries("-c pytorch", "-c fastai fastai", "numpy=1.17", "conda-forge::scipy==1.7.0")
		build["pip_packages"] = r.entries("xgboost==1.7.6", "--upgrade pip", "pandas", "scikit_learn")
	}
	return r.object(of, build)
}

// entries are some of these, in any order, perhaps several times, together or each by itself.
func (r randomImages) entries(texts ...string) tftypes.Value {
	list := tftypes.List{ElementType: tftypes.String}
	if r.IntN(4) == 0 {
		return tftypes.NewValue(list, nil)
	}
	chosen := make([]string, 0, 5)
	for range r.IntN(5) {
		chosen = append(chosen, texts[r.IntN(len(texts))])
	}
	if joined := strings.Join(chosen, "  "); joined != "" && r.IntN(3) == 0 {
		chosen = []string{" " + joined}
	}
	values := make([]tftypes.Value, 0, len(chosen))
	for _, text := range chosen {
		values = append(values, tftypes.NewValue(tftypes.String, text))
	}
	return tftypes.NewValue(list, values)
}
