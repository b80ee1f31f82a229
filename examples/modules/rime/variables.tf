variable "image_registry_config" {
  description = <<-EOT
    The Managed Image Registry.
      enable: whether there is one.
      allow_external_custom_images: whether models may use images from outside of it.
      repository_prefix: base of the prefix of its repositories. `resource_name_suffix` and `namespace` follow it, so that with an empty one, too,
      only repositories of this installation are acted upon.
  EOT
  type = object({
    enable                       = optional(bool, true)
    allow_external_custom_images = optional(bool, true)
    repository_prefix            = optional(string, "rime-managed-images")
  })
  default = {}
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
