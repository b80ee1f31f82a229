terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

# The API key comes from the environment variable RIME_API_KEY.
provider "rime" {
  endpoint = "https://rime.example.com"
}

# For a key whose user may create images and not delete them.
resource "rime_managed_image" "fraud" {
  name_prefix     = "fraud-"
  python_version  = "3.9"
  deletion_policy = "retain"
  adopt_existing  = true

  pip_requirements = [
    "xgboost==1.7.6",
  ]

  lifecycle {
    create_before_destroy = true
  }
}
