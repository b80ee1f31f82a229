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
    { name = "xgboost", version_specifier = "==1.7.6" },
    { name = "pandas", version_specifier = ">=1.5,<2" },
    { name = "scikit-learn" },
  ]

  package_requirements = [
    { name = "libgomp" },
  ]
}

output "image" {
  value = rime_managed_image.fraud.image_uri
}
