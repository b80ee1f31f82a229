variable "image_registry_config" {
  description = <<-EOT
    The Managed Image Registry, as either generation of the platform's module has it. Each may be left out.
      enable: whether there is one. Defaults to true.
      repo_base_name: base of the prefix of its repositories, in version 2 of the platform. Defaults to "rime-managed-images".
      repository_prefix: the same in older versions. `resource_name_suffix` and `namespace` follow it, so that with an empty one, too,
      only repositories of this installation are acted upon.
      allow_external_custom_images: whether models may use images from outside of it, in older versions. Defaults to true.
  EOT
  type        = any # With an object type, Terraform would drop what is misspelt without a word.
  default     = {}
  nullable    = false

  validation {
    condition = length(setsubtract(keys(var.image_registry_config), [
      "enable", "repo_base_name", "repository_prefix", "allow_external_custom_images",
    ])) == 0
    error_message = "image_registry_config takes enable, repo_base_name, repository_prefix and allow_external_custom_images only: check the spelling."
  }

  validation {
    condition = (
      try(var.image_registry_config.repo_base_name, null) == null || try(var.image_registry_config.repository_prefix, null) == null
    )
    error_message = "image_registry_config has repo_base_name and repository_prefix, which are the same: give one of them."
  }
}

variable "namespace" {
  description = "Kubernetes namespace of the platform."
  type        = string
  default     = "rime"
}

variable "resource_name_suffix" {
  description = "What tells this installation from others of the AWS account, at most 25 lower-case letters, digits, dots and hyphens."
  type        = string
  default     = "prod"
}

variable "release_name" {
  description = "Name of the platform's Helm release. The trust of the roles follows it, so that the chart's service accounts get them under any name."
  type        = string
  default     = "rime"
}

variable "oidc_provider_url" {
  description = "Address of the cluster's OIDC issuer, with or without https://: only its service accounts get the roles. Needed unless pod_identity is set, or the registry not enabled."
  type        = string
  default     = null
}

variable "oidc_audience" {
  description = "Audience that the tokens of the service accounts must have. sts.amazonaws.com is recommended; the platform's module asks for none. If left out, what the roles ask for stays."
  type        = string
  default     = null
}

variable "pod_identity" {
  description = "Whether EKS Pod Identity hands out the roles, in the place of the cluster's OIDC issuer. Its associations are made elsewhere."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of the roles and policies."
  type        = map(string)
  default     = null
}
