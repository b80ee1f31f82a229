# The roles and policies of a platform that runs in the namespace "rime" of an EKS cluster.
resource "rime_image_registry_config" "this" {
  repository_prefix    = "rime-managed-images"
  resource_name_suffix = "prod"
  namespace            = "rime"

  oidc_provider_url = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
  oidc_audience     = "sts.amazonaws.com" # only tokens that were made for AWS STS

  tags = {
    team = "ml-platform"
  }
}

output "helm_values" {
  value = rime_image_registry_config.this.helm_values_yaml # for the Helm release of the platform
}

# Without a platform: EKS Pod Identity, and settings for every repository under the prefix.
resource "rime_image_registry_config" "shared" {
  repository_prefix = "ml-images"
  namespace         = "training"
  pod_identity      = true

  lifecycle_rules = [
    {
      priority     = 1
      description  = "What has lost its tag goes after two weeks."
      tag_status   = "untagged"
      count_type   = "sinceImagePushed"
      count_unit   = "days"
      count_number = 14
    },
    {
      priority     = 2
      tag_status   = "tagged"
      tag_patterns = ["experiment-*"]
      count_type   = "imageCountMoreThan"
      count_number = 20
    },
    # ECR archives what nobody pulls, and deletes what has been archived for at least 90 days.
    {
      priority     = 3
      tag_status   = "tagged"
      tag_patterns = ["nightly-*"]
      count_type   = "sinceImagePulled"
      count_number = 30
      action       = "transition"
    },
    {
      priority      = 4
      tag_status    = "tagged"
      tag_patterns  = ["nightly-*"]
      storage_class = "archive"
      count_type    = "sinceImageTransitioned"
      count_number  = 90
    },
  ]

  tag_mutability            = "IMMUTABLE_WITH_EXCLUSION"
  tag_mutability_exclusions = ["rime-record*"]
  scan_on_push              = true

  creation_template = {
    description = "Images of the training team"
  }
}
