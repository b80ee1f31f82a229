# What would go if only ten images were kept? Nothing is deleted.
data "rime_lifecycle_policy_preview" "ten" {
  repository = "rime-managed-images/prod/rime/churn"

  lifecycle_rules = [
    {
      priority     = 1
      tag_status   = "any"
      count_type   = "imageCountMoreThan"
      count_number = 10
    },
  ]
}

output "would_expire" {
  value = data.rime_lifecycle_policy_preview.ten.images[*].digest
}
