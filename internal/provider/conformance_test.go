package provider

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	eschema "github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	pschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

// described is what the attributes of all kinds of schemas have in common.
type described interface{ GetMarkdownDescription() string }

// everything is the provider's schema and those of its types, by name, flattened: attributes by their dotted path.
type everything struct {
	attributes map[string]map[string]described
	models     map[string]any
}

func walk(t *testing.T) everything {
	t.Helper()
	ctx := t.Context()
	all := everything{
		attributes: map[string]map[string]described{},
		// A type that is missing here fails TestConformance_models.
		models: map[string]any{
			"provider":                 providerModel{},
			"rime_managed_image":       managedImageModel{},
			"rime_group_image":         groupImageModel{},
			"data.rime_managed_image":  managedImageDataModel{},
			"data.rime_managed_images": managedImagesDataModel{},
			"data.rime_image_build":    buildModel{},
			"data.rime_pip_resolution": pipResolutionModel{},

			"data.rime_group_image":                     groupImageDataModel{},
			"data.rime_group_images":                    groupImagesDataModel{},
			"data.rime_group":                           groupDataModel{},
			"data.rime_image_pull_secrets":              imagePullSecretsDataModel{},
			"rime_image_registry_config":                imageRegistryConfigModel{},
			"data.rime_image_registry":                  imageRegistryDataModel{},
			"data.rime_image_registry_policy_documents": policyDocumentsModel{},
			"data.rime_lifecycle_policy_preview":        lifecyclePolicyPreviewModel{},
			"ephemeral.rime_registry_credentials":       registryCredentialsModel{},
		},
	}
	p := New("test")()
	var ps provider.SchemaResponse
	p.Schema(ctx, provider.SchemaRequest{}, &ps)
	refuse(t, "provider", ps.Schema.ValidateImplementation(ctx))
	all.add("provider", flatten("", ps.Schema.Attributes, func(a pschema.Attribute) map[string]pschema.Attribute {
		nested, _ := a.(pschema.SingleNestedAttribute)
		return nested.Attributes
	}))
	for _, construct := range p.Resources(ctx) {
		r := construct()
		var meta resource.MetadataResponse
		r.Metadata(ctx, resource.MetadataRequest{ProviderTypeName: "rime"}, &meta)
		var rs resource.SchemaResponse
		r.Schema(ctx, resource.SchemaRequest{}, &rs)
		refuse(t, meta.TypeName, rs.Schema.ValidateImplementation(ctx))
		all.add(meta.TypeName, flatten("", rs.Schema.Attributes, nestedInResource))
		checkIdentity(ctx, t, meta.TypeName, r, rs.Schema)
	}
	for _, construct := range p.DataSources(ctx) {
		d := construct()
		var meta datasource.MetadataResponse
		d.Metadata(ctx, datasource.MetadataRequest{ProviderTypeName: "rime"}, &meta)
		var ds datasource.SchemaResponse
		d.Schema(ctx, datasource.SchemaRequest{}, &ds)
		refuse(t, meta.TypeName, ds.Schema.ValidateImplementation(ctx))
		all.add("data."+meta.TypeName, flatten("", ds.Schema.Attributes, nestedInDataSource))
	}
	ephemerals, ok := p.(provider.ProviderWithEphemeralResources)
	if !ok {
		t.Fatal("the provider has no ephemeral resources")
	}
	for _, construct := range ephemerals.EphemeralResources(ctx) {
		e := construct()
		var meta ephemeral.MetadataResponse
		e.Metadata(ctx, ephemeral.MetadataRequest{ProviderTypeName: "rime"}, &meta)
		var es ephemeral.SchemaResponse
		e.Schema(ctx, ephemeral.SchemaRequest{}, &es)
		refuse(t, meta.TypeName, es.Schema.ValidateImplementation(ctx))
		all.add("ephemeral."+meta.TypeName, flatten("", es.Schema.Attributes, func(eschema.Attribute) map[string]eschema.Attribute { return nil }))
	}
	return all
}

func (e everything) add(name string, attributes map[string]described) {
	e.attributes[name] = attributes
}

func refuse(t *testing.T, name string, d diag.Diagnostics) {
	t.Helper()
	for _, one := range d {
		t.Errorf("%s: %s: %s", name, one.Summary(), one.Detail())
	}
}

// flatten lists attributes by their path, nested ones included.
func flatten[A described](prefix string, attributes map[string]A, nested func(A) map[string]A) map[string]described {
	all := map[string]described{}
	for name, attribute := range attributes {
		all[prefix+name] = attribute
		maps.Copy(all, flatten(prefix+name+".", nested(attribute), nested))
	}
	return all
}

func nestedInResource(a schema.Attribute) map[string]schema.Attribute {
	switch n := a.(type) {
	case schema.SingleNestedAttribute:
		return n.Attributes
	case schema.ListNestedAttribute:
		return n.NestedObject.Attributes
	case schema.SetNestedAttribute:
		return n.NestedObject.Attributes
	default:
		return nil
	}
}

func nestedInDataSource(a dsschema.Attribute) map[string]dsschema.Attribute {
	switch n := a.(type) {
	case dsschema.SingleNestedAttribute:
		return n.Attributes
	case dsschema.ListNestedAttribute:
		return n.NestedObject.Attributes
	case dsschema.SetNestedAttribute:
		return n.NestedObject.Attributes
	default:
		return nil
	}
}

// checkIdentity demands an identity of every resource, made of where it is and of attributes that the resource has.
func checkIdentity(ctx context.Context, t *testing.T, name string, r resource.Resource, s schema.Schema) {
	t.Helper()
	identified, ok := r.(resource.ResourceWithIdentity)
	if !ok {
		t.Errorf("%s has no identity", name)
		return
	}
	var resp resource.IdentitySchemaResponse
	identified.IdentitySchema(ctx, resource.IdentitySchemaRequest{}, &resp)
	refuse(t, name, resp.IdentitySchema.ValidateImplementation(ctx))
	// An object is known by where it is, which the provider's configuration says, and by attributes of its own.
	places := []string{"endpoint", "registry", "account_id", "region"}
	for attribute := range resp.IdentitySchema.Attributes {
		if _, found := s.Attributes[attribute]; !found && !slices.Contains(places, attribute) {
			t.Errorf("%s: the identity has %q, the resource has not", name, attribute)
		}
	}
	if _, ok := r.(resource.ResourceWithImportState); !ok {
		t.Errorf("%s cannot be imported", name)
	}
	if _, found := s.Attributes["timeouts"]; !found {
		t.Errorf("%s has no timeouts", name)
	}
}

func TestConformance_descriptions(t *testing.T) {
	t.Parallel()
	for name, attributes := range walk(t).attributes {
		for path, attribute := range attributes {
			text := attribute.GetMarkdownDescription()
			if described, ok := attribute.(interface{ GetDescription() string }); ok && text == "" {
				text = described.GetDescription() // the attributes of `timeouts` are not ours
			}
			if len(text) < 12 || !strings.HasSuffix(text, ".") || strings.ToUpper(text[:1]) != text[:1] {
				t.Errorf("%s: %s is not described in a full sentence: %q", name, path, text)
			}
		}
	}
}

// TestConformance_models holds models and schemas together: an attribute without a field, or the other way round, would be found only when
// somebody uses that type.
func TestConformance_models(t *testing.T) {
	t.Parallel()
	all := walk(t)
	for name, attributes := range all.attributes {
		model, found := all.models[name]
		if !found {
			t.Errorf("%s has no model in walk", name)
			continue
		}
		var want []string
		for path := range attributes {
			if !strings.Contains(path, ".") {
				want = append(want, path)
			}
		}
		slices.Sort(want)
		if got := slices.Sorted(slices.Values(tags(reflect.TypeOf(model)))); !slices.Equal(got, want) {
			t.Errorf("%s: the model has %q, the schema %q", name, got, want)
		}
	}
}

// tags are the names of a model's fields in Terraform, those of embedded structs included.
func tags(model reflect.Type) []string {
	var names []string
	for field := range model.Fields() {
		if field.Anonymous {
			names = append(names, tags(field.Type)...)
			continue
		}
		names = append(names, field.Tag.Get("tfsdk"))
	}
	return names
}

// TestConformance_readOnly proves that deriving a data source's attributes from the resource's loses none.
func TestConformance_readOnly(t *testing.T) {
	t.Parallel()
	from := maps.Clone(imageInputAttributes())
	maps.Copy(from, imageFactAttributes())
	from["build"] = buildAttribute()
	for name, attribute := range groupImageInputAttributes() {
		from["group."+name] = attribute
	}
	for name, attribute := range groupImageFactAttributes() {
		from["group."+name] = attribute
	}
	from["groups"] = groupsAttribute()
	want := slices.Sorted(maps.Keys(flatten("", from, nestedInResource)))
	got := slices.Sorted(maps.Keys(flatten("", readOnly(from), nestedInDataSource)))
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
