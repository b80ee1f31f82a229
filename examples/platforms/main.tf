# What `make quickstart` applies to a PrimeHub platform and to an AWS account. Both are stand-ins there; which ones they are is told by the environment variables
# PRIMEHUB_API_ENDPOINT, PRIMEHUB_API_TOKEN, and AWS's own.
terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

provider "rime" {}

# An image of a group, which PrimeHub builds.
resource "rime_group_image" "churn" {
  display_name = "churn-1.0"
  group        = "data-science"

  build = {
    base_image_url = "jupyter/base-notebook"
    conda_packages = ["-c conda-forge", "numpy=1.17"]
    pip_packages   = ["xgboost==1.7.6"]
  }
}

# The roles and policies of a Managed Image Registry on ECR.
resource "rime_image_registry_config" "this" {
  repository_prefix    = "quickstart"
  resource_name_suffix = "quickstart"
  namespace            = "rime"
  pod_identity         = true
}

output "group_image" {
  description = "What a notebook of the group is started from."
  value       = rime_group_image.churn.url
}

output "roles" {
  description = "Roles for the service accounts of the registry server and of the image builder."
  value = [
    rime_image_registry_config.this.registry_server.role_arn,
    rime_image_registry_config.this.image_builder.role_arn,
  ]
}
