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
    { name = "NumPy", version_specifier = "< 2, >= 1.24" },
    { name = "pandas", version_specifier = "1.5.3" },
    { name = "scikit-learn" },
  ]

  package_requirements = [
    { name = "git" },
    { name = "vim", version_specifier = "8.0.1763", package_type = "rocky_linux" },
  ]
}

resource "rime_managed_image" "bare" {
  name_prefix = "bare-"
}

output "images" {
  value = [rime_managed_image.whole, rime_managed_image.bare]
}
