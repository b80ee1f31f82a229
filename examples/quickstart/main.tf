# What `make quickstart` applies. On your own machine, set `registry` to one that you may push to, and `buildkit_address` to a BuildKit
# daemon that can reach it; then `terraform init && terraform apply`.

terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

provider "rime" {
  embedded_registry = {
    url               = var.registry
    repository_prefix = "quickstart"
    base_images       = { "3.11" = var.base_image }
    buildkit          = var.buildkit_address == null ? null : { address = var.buildkit_address }
    pip               = var.package_index == null ? null : { index_url = var.package_index }
  }

  http = var.ca_file == null ? null : { ca_file = var.ca_file }
}

resource "rime_managed_image" "model" {
  for_each = var.images

  name             = each.key
  python_version   = "3.11"
  pip_requirements = each.value.pip
  apt_packages     = each.value.apt
}

output "images" {
  description = "What to write into a deployment, by name of the image."
  value       = { for name, image in rime_managed_image.model : name => image.image_uri }
}
