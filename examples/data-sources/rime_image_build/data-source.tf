data "rime_image_build" "job" {
  id = "5f0c2f6e-6f0b-4c39-9c1e-7d1f3c0a8b52"
}

# What the builder said and where the whole log is, for a build that failed.
output "why" {
  value = {
    error = data.rime_image_build.job.error
    log   = data.rime_image_build.job.logs_url
  }
}
