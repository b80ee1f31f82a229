# What is in the registry, and what it holds without a lifecycle policy.
data "rime_image_registry" "ml" {
  repository_prefix = "rime-managed-images/prod/rime"
}

output "size_gib" {
  value = sum(concat([0], data.rime_image_registry.ml.repositories[*].size_bytes)) / pow(1024, 3)
}

output "without_policy" {
  value = [for r in data.rime_image_registry.ml.repositories : r.name if r.lifecycle_policy_json == null]
}
