terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

# The API key comes from the environment variable RIME_API_KEY.
provider "rime" {
  endpoint = "https://rime.example.com"
}

# Every usable image that is not the platform's own.
data "rime_managed_images" "usable" {
  statuses = ["ready", "outdated", "rebuilding"]
}

locals {
  existing = { for image in data.rime_managed_images.usable.images : image.name => image if image.role_type == "user_defined" }
}

import {
  for_each = local.existing
  to       = rime_managed_image.existing[each.key]
  id       = each.key
}

resource "rime_managed_image" "existing" {
  for_each = local.existing

  name                 = each.key
  python_version       = each.value.python_version
  pip_requirements     = each.value.pip_requirements
  rocky_linux_packages = each.value.rocky_linux_packages
  deletion_policy      = "retain" # what leaves the list is forgotten, not deleted
}
