# Managed images on a RIME platform. The API key may come from the environment variable RIME_API_KEY instead.
terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

variable "rime_api_key" {
  description = "API token of the platform, made in its Settings under API Access Tokens. Creating takes any user's, deleting an Organization Administrator's."
  type        = string
  sensitive   = true
}

provider "rime" {
  endpoint = "https://rime.example.com"
  api_key  = var.rime_api_key
}

# The platform cannot change an image, so a change replaces it. With a prefix for its name, the new image is there before the old one goes.
resource "rime_managed_image" "fraud" {
  name_prefix    = "fraud-"
  python_version = "3.9"

  pip_requirements = [
    "xgboost==1.7.6",
    "pandas>=1.5,<2",
  ]

  rocky_linux_packages = [
    "libgomp",
  ]

  lifecycle {
    create_before_destroy = true
  }
}

# Every usable image that has xgboost, whoever made it.
data "rime_managed_images" "with_xgboost" {
  pip_libraries = { xgboost = "" }
  statuses      = ["ready"]
}

output "image" {
  value = rime_managed_image.fraud.image_uri
}
