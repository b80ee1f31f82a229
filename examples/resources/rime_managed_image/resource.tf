# An image by name. Other requirements build it anew under the same name; what was published before stays until the new image is.
resource "rime_managed_image" "serving" {
  name           = "sklearn-serving"
  python_version = "3.11" # a string: the number 3.10 would be 3.1

  pip_requirements = [
    "scikit-learn>=1.5,<2",
    "pandas",
    "uvicorn[standard]~=0.30",
  ]

  apt_packages = [
    "libgomp1",
  ]

  # Follow the base image: plan a rebuild when it has moved on.
  rebuild_when_outdated = true

  timeouts = {
    create = "2h"
    update = "2h"
  }
}

# What to deploy: with the digest where the registry tells it, else with the tag. image_digest alone is null on a RIME platform.
output "image" {
  value = rime_managed_image.serving.image_uri # registry.example.com:5000/ml-images/sklearn-serving@sha256:…
}

output "digest" {
  value = coalesce(rime_managed_image.serving.image_digest, "not told")
}

# An image by prefix. Other requirements make another image, which is there before the old one goes.
resource "rime_managed_image" "training" {
  name_prefix = "xgboost-training-"

  pip_requirements = [
    "xgboost==2.1.1",
  ]

  triggers = {
    weekly = "2026-W01" # any change builds anew from a fresh base and fresh packages
  }

  lifecycle {
    create_before_destroy = true
  }
}

# An image that others rely on: taken over where it already exists, and kept when it leaves this configuration.
resource "rime_managed_image" "shared" {
  name            = "base-data-science"
  adopt_existing  = true
  deletion_policy = "retain"

  pip_requirements = [
    "numpy>=2",
  ]
}
