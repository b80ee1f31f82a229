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

resource "rime_managed_image" "fraud" {
  name           = "fraud"
  python_version = "3.9"

  pip_requirements = [
    "xgboost==1.7.6",
    "pandas>=1.5,<2",
    "scikit-learn",
  ]

  rocky_linux_packages = [
    "libgomp",
  ]
}

output "image" {
  value = rime_managed_image.fraud.image_uri
}
