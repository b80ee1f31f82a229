# The Managed Image Registry of the `rime` module, on the RIME provider: `image_registry_config` is the one of the product's documents.
terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

resource "rime_image_registry_config" "this" {
  enable                       = var.image_registry_config.enable
  allow_external_custom_images = var.image_registry_config.allow_external_custom_images
  repository_prefix            = var.image_registry_config.repository_prefix

  namespace            = var.namespace
  resource_name_suffix = var.resource_name_suffix
  release_name         = var.release_name
  oidc_provider_url    = var.oidc_provider_url
  pod_identity         = var.pod_identity
  tags                 = var.tags

  lifecycle {
    precondition {
      condition     = !var.image_registry_config.enable || (var.oidc_provider_url != null) != var.pod_identity
      error_message = "The roles of the Managed Image Registry need a cluster to trust: give oidc_provider_url, or pod_identity = true, and not both."
    }
  }
}
