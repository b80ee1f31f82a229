terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

# Address and API key come from RIME_ENDPOINT and RIME_API_KEY. Or write endpoint = "https://rime.example.com" and api_key here.
provider "rime" {}

resource "rime_managed_image" "churn" {
  name_prefix      = "churn-"
  python_version   = "3.9"
  pip_requirements = ["pandas>=1.5,<2", "xgboost==1.7.6"]

  lifecycle {
    create_before_destroy = true
  }
}

output "image" {
  value = rime_managed_image.churn.image_uri
}
