package provider

import (
	"context"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/managed-images/terraform-provider-rime/internal/awsregistry"
	"github.com/managed-images/terraform-provider-rime/internal/diags"
)

// registryIdentity is what tells a registry from all others, in any account and region.
type registryIdentity struct {
	AccountID                types.String `tfsdk:"account_id"`
	Region                   types.String `tfsdk:"region"`
	RepositoryPrefix         types.String `tfsdk:"repository_prefix"`
	ResourceNameSuffix       types.String `tfsdk:"resource_name_suffix"`
	Namespace                types.String `tfsdk:"namespace"`
	RegistryServerRoleName   types.String `tfsdk:"registry_server_role_name"`
	RegistryServerPolicyName types.String `tfsdk:"registry_server_policy_name"`
	ImageBuilderRoleName     types.String `tfsdk:"image_builder_role_name"`
	ImageBuilderPolicyName   types.String `tfsdk:"image_builder_policy_name"`
}

// IdentitySchema implements resource.ResourceWithIdentity.
func (r *imageRegistryConfigResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	optional := func(description string) identityschema.StringAttribute {
		return identityschema.StringAttribute{OptionalForImport: true, Description: description}
	}
	resp.IdentitySchema = identityschema.Schema{
		Attributes: map[string]identityschema.Attribute{
			"account_id": optional("Number of the AWS account. Defaults to the one that the provider's credentials lead to. Null while the registry is not enabled."),
			"region":     optional("Region of the ECR registry. Defaults to the provider's. Null while the registry is not enabled."),
			"repository_prefix": identityschema.StringAttribute{
				RequiredForImport: true,
				Description:       "Base of the prefix of all repositories.",
			},
			"resource_name_suffix":        optional("What tells this installation from others of the account."),
			"namespace":                   optional("Kubernetes namespace of the platform."),
			"registry_server_role_name":   optional("Name of the role of the registry server, if it is not the module's."),
			"registry_server_policy_name": optional("Name of the policy of the registry server, if it is not the module's."),
			"image_builder_role_name":     optional("Name of the role of the image builders, if it is not the module's."),
			"image_builder_policy_name":   optional("Name of the policy of the image builders, if it is not the module's."),
		},
	}
}

// identity is the identity of what the model describes.
func (m *imageRegistryConfigModel) identity() registryIdentity {
	account, _ := awsregistry.ParseRegistryURL(m.RegistryURL.ValueString())
	return registryIdentity{
		AccountID: textValue(account.ID), Region: textValue(account.Region),
		RepositoryPrefix: m.RepositoryPrefix, ResourceNameSuffix: m.ResourceNameSuffix, Namespace: m.Namespace,
		RegistryServerRoleName: m.RegistryServerRoleName, RegistryServerPolicyName: m.RegistryServerPolicyName,
		ImageBuilderRoleName: m.ImageBuilderRoleName, ImageBuilderPolicyName: m.ImageBuilderPolicyName,
	}
}

// importForm says how an id is written.
const importForm = "`<repository_prefix>,<resource_name_suffix>,<namespace>`, such as `rime-managed-images,prod,rime`; what an installation does not have is left empty. " +
	"Names of roles and policies that are not the module's follow, in the order `<registry_server_role_name>,<registry_server_policy_name>,<image_builder_role_name>,<image_builder_policy_name>`. " +
	"`<account>:<region>:` may come before it all"

// accountForm is the part of an id that says where.
var accountForm = regexp.MustCompile(`\A([0-9]{12}):([a-z0-9-]+):(.*)\z`)

// parseImportID reads an id.
func parseImportID(id string) (identity registryIdentity, ok bool) {
	if where := accountForm.FindStringSubmatch(id); where != nil {
		identity.AccountID, identity.Region, id = types.StringValue(where[1]), types.StringValue(where[2]), where[3]
	}
	parts := strings.Split(id, ",")
	fields := []*types.String{
		&identity.RepositoryPrefix, &identity.ResourceNameSuffix, &identity.Namespace, &identity.RegistryServerRoleName,
		&identity.RegistryServerPolicyName, &identity.ImageBuilderRoleName, &identity.ImageBuilderPolicyName,
	}
	if len(parts) > len(fields) {
		return identity, false
	}
	for i, part := range parts {
		*fields[i] = textValue(part)
	}
	identity.RepositoryPrefix = types.StringValue(parts[0])
	return identity, true
}

// ImportState implements resource.ResourceWithImportState, by id or by identity. Read fills in what AWS shows; the settings that AWS does not know get their
// defaults, so that a configuration that says the same plans nothing.
func (r *imageRegistryConfigResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	var identity registryIdentity
	if req.ID != "" {
		var ok bool
		if identity, ok = parseImportID(req.ID); !ok {
			resp.Diagnostics.Append(diags.InvalidImportID(req.ID, importForm))
			return
		}
	} else if resp.Diagnostics.Append(req.Identity.Get(ctx, &identity)...); resp.Diagnostics.HasError() {
		return
	}
	for attribute, part := range map[string]struct {
		check
		value types.String
	}{
		"repository_prefix":    {managedPrefixCheck, identity.RepositoryPrefix},
		"resource_name_suffix": {nameSuffixCheck, identity.ResourceNameSuffix},
		"namespace":            {namespaceCheck, identity.Namespace},
	} {
		if problem := part.find(part.value.ValueString()); problem != nil {
			resp.Diagnostics.Append(diags.InvalidValue(part.summary, path.Root(attribute), part.value.ValueString(), problem))
		}
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), part.value)...)
	}
	for attribute, value := range map[string]types.String{
		"registry_server_role_name": identity.RegistryServerRoleName, "registry_server_policy_name": identity.RegistryServerPolicyName,
		"image_builder_role_name": identity.ImageBuilderRoleName, "image_builder_policy_name": identity.ImageBuilderPolicyName,
		"registry_url": identity.registryURL(), // The first read holds the provider to it.
	} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), value)...)
	}
	prefix := awsregistry.EffectivePrefix(identity.RepositoryPrefix.ValueString(), identity.ResourceNameSuffix.ValueString(), identity.Namespace.ValueString())
	for attribute, value := range map[string]bool{
		"enable": true, "allow_external_custom_images": true, "pod_identity": false, "force_detach_policies": false, "allow_empty_prefix": prefix == "",
	} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), value)...)
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, identity)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, adoptedKey, []byte("true"))...)
}

// registryURL is the host name of the registry, where the identity says which account and region it is in.
func (i registryIdentity) registryURL() types.String {
	region := i.Region.ValueString()
	if region == "" || i.AccountID.ValueString() == "" {
		return types.StringNull()
	}
	account := awsregistry.Account{ID: i.AccountID.ValueString(), Region: region, Partition: awsregistry.PartitionOf(region)}
	return types.StringValue(account.RegistryURL())
}
