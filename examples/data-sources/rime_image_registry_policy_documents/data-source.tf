# The policies for a team that makes its roles elsewhere. Nobody is asked: this needs no AWS credentials.
data "rime_image_registry_policy_documents" "ml" {
  registry_id          = "123456789012"
  region               = "eu-central-1"
  repository_prefix    = "rime-managed-images"
  resource_name_suffix = "prod"
  namespace            = "rime"
  oidc_provider_url    = "oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
}

output "builder_policy" {
  value = data.rime_image_registry_policy_documents.ml.image_builder.policy_json
}

output "builder_trust" {
  value = data.rime_image_registry_policy_documents.ml.image_builder.trust_policy_json
}
