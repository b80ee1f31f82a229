package provider

import (
	dsschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// imageFactAttributes are the attributes of [imageFacts].
func imageFactAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"status": computed("State of the image: `building_first_time`, `rebuilding`, `ready`, `failed`, `outdated` (usable, but the base image has moved on), " +
			"`missing` (the published image is gone), `moved` (its tag refers to something else) or one that a newer registry has."),
		"status_reason": computed("Why `status` is not `ready`, in words."),
		"role_type":     computed("Who the image belongs to: `user_defined` or `system`."),
		"rime_tag":      computed("Tag under which the image is published: on a RIME platform the platform's version; in the embedded registry it names the Python version and a hash of the content."),
		"repo_uri":      computed("Repository that holds the image, without tag or digest."),
		"image_uri":     computed("Reference to pull the image by: repository and digest where the digest is known, else repository and tag."),
		"image_digest":  computed("Digest of the published image (`sha256:…`), as the registry confirmed it. Null on a RIME platform, which does not tell it: `image_uri` is never null once the image is ready."),
		"image_size_bytes": schema.Int64Attribute{
			Computed:            true,
			MarkdownDescription: "Size of the image in bytes: what a client that has nothing of it pulls, compressed, all platforms together. Null where it is not told.",
		},
		"base_image": schema.SingleNestedAttribute{
			Computed:            true,
			MarkdownDescription: "The image that this one was built on.",
			Attributes:          imageReferenceAttributes(),
		},
		"child_images": schema.ListNestedAttribute{
			Computed:            true,
			MarkdownDescription: "Images that were built on this one, where the registry keeps count.",
			NestedObject:        schema.NestedAttributeObject{Attributes: imageReferenceAttributes()},
		},
		"pip_libraries": schema.MapAttribute{
			Computed:    true,
			ElementType: types.StringType,
			MarkdownDescription: "What `pip list` says is installed: the version of each distribution by its name. Names are in normal form " +
				"(lower case, single hyphens): `PyYAML` is `pip_libraries[\"pyyaml\"]`. In the embedded registry, the plan knows them. Of an image for several platforms, they are those of the first; `pylock` has all.",
		},
		"pylock": computed("The lock that the image is built from, as a `pylock.toml` (PEP 751): each distribution that pip installs, its version, its file and the file's hash. " +
			"The plan knows it, and the apply installs just that. It tells the addresses of files that everybody can get; one of an index of your own has its name. Null where the image was built without a lock, as on a RIME platform."),
	}
}

func imageReferenceAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"name": computed("Name of the image."),
		"reference_type": computed("How to read the name: `managed` for the name of a managed image, `external` for a full image reference, or one of a RIME platform's: " +
			"`rime_dockerhub`, `external_ecr`, `external_gar`."),
		"digest": computed("Digest that the name stood for when it was used (`sha256:…`), where it is told."),
	}
}

// buildAttribute is the newest build of an image.
func buildAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Computed:            true,
		MarkdownDescription: "The newest build of the image. Null where the registry does not tell it: a RIME platform tells it only to the one who created the image.",
		Attributes:          buildAttributes(),
	}
}

// buildAttributes are the attributes of a [buildModel].
func buildAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"id":           computed("Identifier of the build."),
		"status":       computed("State of the build: `requested`, `pending`, `running`, `succeeded`, `failed`, `cancelled` or one that a newer registry has."),
		"created_at":   computed("When the build was asked for, as RFC 3339 in UTC."),
		"started_at":   computed("When the build started, as RFC 3339 in UTC."),
		"completed_at": computed("When the build ended, as RFC 3339 in UTC."),
		"running_time_seconds": schema.Float64Attribute{
			Computed:            true,
			MarkdownDescription: "How long the build ran, in seconds.",
		},
		"error":    computed("The builder's own words about why the build failed, in one line."),
		"logs_url": computed("Where the platform keeps the whole log. What opens the address is left out, because it is a secret: `archivedJobLogs` in the platform's answer to `GET /v1/jobs/<id>?view=JOB_VIEW_FULL`, asked with the API key, has an address with a signature. Null where no log is kept."),
	}
}

func computed(description string) schema.Attribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: description}
}

// readOnly derives the attributes of a data source from those of the resource, so that both say the same.
func readOnly(attributes map[string]schema.Attribute) map[string]dsschema.Attribute {
	derived := make(map[string]dsschema.Attribute, len(attributes))
	for name, attribute := range attributes {
		text := attribute.GetMarkdownDescription()
		switch a := attribute.(type) {
		case schema.StringAttribute:
			derived[name] = dsschema.StringAttribute{Computed: true, MarkdownDescription: text}
		case schema.BoolAttribute:
			derived[name] = dsschema.BoolAttribute{Computed: true, MarkdownDescription: text}
		case schema.ListAttribute:
			derived[name] = dsschema.ListAttribute{Computed: true, MarkdownDescription: text, ElementType: a.ElementType}
		case schema.MapAttribute:
			derived[name] = dsschema.MapAttribute{Computed: true, MarkdownDescription: text, ElementType: a.ElementType}
		case schema.SetAttribute:
			derived[name] = dsschema.SetAttribute{Computed: true, MarkdownDescription: text, ElementType: a.ElementType}
		case schema.Int64Attribute:
			derived[name] = dsschema.Int64Attribute{Computed: true, MarkdownDescription: text}
		case schema.Float64Attribute:
			derived[name] = dsschema.Float64Attribute{Computed: true, MarkdownDescription: text}
		case schema.SingleNestedAttribute:
			derived[name] = dsschema.SingleNestedAttribute{Computed: true, MarkdownDescription: text, Attributes: readOnly(a.Attributes)}
		case schema.ListNestedAttribute:
			derived[name] = dsschema.ListNestedAttribute{Computed: true, MarkdownDescription: text, NestedObject: readOnlyObject(a.NestedObject)}
		case schema.SetNestedAttribute:
			derived[name] = dsschema.SetNestedAttribute{Computed: true, MarkdownDescription: text, NestedObject: readOnlyObject(a.NestedObject)}
		}
	}
	return derived
}

func readOnlyObject(object schema.NestedAttributeObject) dsschema.NestedAttributeObject {
	return dsschema.NestedAttributeObject{Attributes: readOnly(object.Attributes)}
}
