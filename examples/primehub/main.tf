# The images of a group on a PrimeHub platform: one that exists, one that PrimeHub builds.
terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

# The environment variables PRIMEHUB_API_ENDPOINT and PRIMEHUB_API_TOKEN, or ~/.primehub/config.json, say which platform and as whom.
provider "rime" {
  primehub = {
    group = "data-science"
  }
}

data "rime_image_pull_secrets" "all" {}

resource "rime_group_image" "base" {
  display_name = "base-notebook"
  existing = {
    url               = "jupyter/base-notebook:latest"
    image_pull_secret = lookup(data.rime_image_pull_secrets.all.ids, "dockerhub", "")
  }
}

# When the list or a trigger changes, `terraform apply` rebuilds the image in place; until that has succeeded, the one before is in use.
resource "rime_group_image" "churn" {
  display_name = "churn-1.0"
  type         = "cpu"
  build = {
    base_image_url = rime_group_image.base.url
    pip_packages   = ["xgboost==1.7.6", "pandas"]
  }
  triggers = { month = "2026-11" }
}

output "image" {
  value = rime_group_image.churn.url
}
