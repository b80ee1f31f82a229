output "helm_values" {
  description = "Values for the platform's Helm release, as YAML: give them to `values` of a helm_release."
  value       = rime_image_registry_config.this.helm_values_yaml
}

output "ecr_config" {
  description = "The account and the prefix of the repositories, as the platform's own module has them. Null if not enabled."
  value = local.enable ? {
    registry_id       = rime_image_registry_config.this.registry_id
    repository_prefix = rime_image_registry_config.this.effective_repository_prefix
  } : null
}

output "registry_server_annotation" {
  description = "Annotation of the registry server's service account. Null if not enabled."
  value       = try(rime_image_registry_config.this.registry_server.service_account_annotation, null)
}

output "image_builder_annotation" {
  description = "Annotation of the image builder's service account. Null if not enabled."
  value       = try(rime_image_registry_config.this.image_builder.service_account_annotation, null)
}
