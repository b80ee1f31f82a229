resource "rime_managed_image" "training" {
  name             = "training"
  pip_requirements = ["xgboost"]
}

# The newest build of an image. An id from elsewhere does as well: on a RIME platform, it is that of the job.
data "rime_image_build" "training" {
  id = rime_managed_image.training.build.id
}

# What the builder said and where the whole log is, for a build that failed.
output "why" {
  value = {
    error = data.rime_image_build.training.error
    log   = data.rime_image_build.training.logs_url
  }
}
