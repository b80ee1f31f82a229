terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

import {
  to = rime_image_registry_config.this
  id = "rime-managed-images,prod,rime" # repo_base_name, resource_name_suffix, namespace
}

resource "rime_image_registry_config" "this" {
  repository_prefix    = "rime-managed-images"
  resource_name_suffix = "prod"
  namespace            = "rime"

  # The module's oidc_provider_url, with or without https://.
  oidc_provider_url = "oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"

  tags = {
    team = "ml-platform"
  }
}
