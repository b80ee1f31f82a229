# The Managed Image Registry of the `rime` module, on the RIME provider: `image_registry_config` is the one of the product's documents.
terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

locals {
  given = {
    for name in ["enable", "repo_base_name", "repository_prefix", "allow_external_custom_images"] : name => try(var.image_registry_config[name], null)
  }
  enable                       = local.given.enable == null ? true : tobool(local.given.enable)
  allow_external_custom_images = local.given.allow_external_custom_images == null ? true : tobool(local.given.allow_external_custom_images)
  # An empty text is a prefix, too.
  base              = local.given.repo_base_name == null ? local.given.repository_prefix : local.given.repo_base_name
  repository_prefix = local.base == null ? "rime-managed-images" : tostring(local.base)
}

resource "rime_image_registry_config" "this" {
  enable                       = local.enable
  allow_external_custom_images = local.allow_external_custom_images
  repository_prefix            = local.repository_prefix

  namespace            = var.namespace
  resource_name_suffix = var.resource_name_suffix
  release_name         = var.release_name
  oidc_provider_url    = var.oidc_provider_url
  oidc_audience        = var.oidc_audience
  pod_identity         = var.pod_identity
  tags                 = var.tags

  lifecycle {
    precondition {
      condition     = !local.enable || (var.oidc_provider_url != null) != var.pod_identity
      error_message = "The roles of the Managed Image Registry need a cluster to trust: give oidc_provider_url, or pod_identity = true, and not both."
    }
  }
}
