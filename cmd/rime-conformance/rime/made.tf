# Images that the provider makes and the official clients read.
terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

resource "rime_managed_image" "whole" {
  name           = "made-by-terraform"
  python_version = "3.11"

  pip_requirements = [
    "NumPy< 2, >= 1.24",
    "pandas==1.5.3",
    "scikit-learn",
  ]

  rocky_linux_packages = [
    "git",
    "vim=8.0.1763",
  ]
}

resource "rime_managed_image" "bare" {
  name_prefix = "bare-"
}

output "images" {
  value = [rime_managed_image.whole, rime_managed_image.bare]
}
