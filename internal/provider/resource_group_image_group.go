package provider

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/managed-images/terraform-provider-rime/internal/diags"
	"github.com/managed-images/terraform-provider-rime/internal/primehub"
)

// ownerKey is where the private state has the group that the image was last given to, or that it had when it was
// imported. Where the configuration names no group, that is the one that the image keeps.
const ownerKey = "group"

// privateWriter is what the framework hands to verbs that write the private state.
type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// rememberOwner notes the group of the image in the private state.
func rememberOwner(ctx context.Context, private privateWriter, group string) diag.Diagnostics {
	text, _ := json.Marshal(group) // a string can be encoded
	return private.SetKey(ctx, ownerKey, text)
}

// rememberedOwner is the group that rememberOwner noted, and whether it did.
func rememberedOwner(ctx context.Context, private privateState) (group string, found bool) {
	text, _ := private.GetKey(ctx, ownerKey)
	return group, text != nil && json.Unmarshal(text, &group) == nil
}

// planAccess plans whose the image is, and who may use it. state is nil for an image that is to be created: only then the
// provider's group counts.
func (r *groupImageResource) planAccess(
	ctx context.Context, plan *groupImageModel, config groupImageModel, state *groupImageModel, private privateState,
) diag.Diagnostics {
	var d diag.Diagnostics
	var owner types.String // whose the image was last, which the platform may have lost since
	if state != nil {
		owner = state.Group
		if group, found := rememberedOwner(ctx, private); found {
			owner = types.StringValue(group)
		}
	}
	switch {
	case !config.Group.IsNull():
		plan.Group = config.Group
	case state == nil:
		plan.Group = r.defaultGroup()
	default:
		plan.Group = owner
	}
	group := plan.Group.ValueString()
	if config.Global.IsNull() {
		plan.Global = types.BoolValue(false)
		if group != "" && owner.ValueString() != "" {
			plan.Global = state.Global // whom an administrator has let in besides the group is none of its business
		}
	}
	if group != "" && config.Global.ValueBool() && (state == nil || !state.Global.ValueBool()) {
		d.Append(diags.GroupImageAccess("global", group, state == nil && config.Group.IsNull()))
	}
	d.Append(plan.planGroups(ctx, config.Groups, state == nil && config.Group.IsNull())...)
	return d
}

// planGroups plans who may use the image. That of a group is for its group alone; Terraform itself configures just that
// for one that it imports, or nobody where the group has lost it. byDefault tells that the group is the provider's.
func (m *groupImageModel) planGroups(ctx context.Context, configured types.Set, byDefault bool) diag.Diagnostics {
	var d diag.Diagnostics
	group := m.Group.ValueString()
	switch {
	case m.Group.IsUnknown() && configured.IsNull():
		m.Groups = types.SetUnknown(types.StringType)
	case group == "" && configured.IsNull():
		m.Groups = groupSet(ctx, nil, &d)
	case configured.IsNull():
		m.Groups = groupSet(ctx, []string{group}, &d)
	case group != "" && slices.ContainsFunc(configured.Elements(), func(e attr.Value) bool {
		return !e.IsUnknown() && !e.Equal(types.StringValue(group))
	}):
		d.Append(diags.GroupImageAccess("groups", group, byDefault))
	}
	return d
}

// defaultGroup is the group that is meant where a new image names none.
func (r *groupImageResource) defaultGroup() types.String {
	if r.clients == nil {
		return types.StringUnknown()
	}
	return r.primehub.group
}

// checkGroups refuses groups that are not there. What a plan cannot find out, the apply does, before it changes anything.
// prior is nil for an image that is to be created; a group that has the image already is not looked for.
func (r *groupImageResource) checkGroups(ctx context.Context, plan groupImageModel, prior *groupImageModel) diag.Diagnostics {
	client, err := r.hub()
	if err != nil {
		return nil // it matters elsewhere
	}
	at, names := path.Root("group"), []string{plan.Group.ValueString()}
	if names[0] == "" {
		at, names = path.Root("groups"), plan.groupNames()
	}
	for _, name := range names {
		if name == "" || prior != nil && (prior.Group.ValueString() == name || slices.Contains(prior.groupNames(), name)) {
			continue
		}
		err := client.SeesGroup(ctx, name)
		missing, ok := errors.AsType[*primehub.GroupNotFoundError](err)
		switch {
		case ok && missing.Certain() && at.Equal(path.Root("groups")):
			return diag.Diagnostics{diags.GroupNotFound(at.AtSetValue(types.StringValue(name)), missing)}
		case ok && missing.Certain():
			return diag.Diagnostics{diags.GroupNotFound(at, missing)}
		case primehub.TokenRefused(err) && r.primehub.refused.CompareAndSwap(false, true):
			return diag.Diagnostics{diags.FromPrimeHub(diags.ReadGroup, name, err)}
		case err != nil:
			tflog.Warn(ctx, "the group could not be looked for", map[string]any{"group": name, "error": err.Error()})
		}
	}
	return nil
}
