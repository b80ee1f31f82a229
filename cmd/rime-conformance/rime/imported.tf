# An image that an official client has made, as the provider takes it over. It is written otherwise than the client wrote it.
terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

import {
  to = rime_managed_image.left
  id = "left-by-client"
}

resource "rime_managed_image" "left" {
  name           = "left-by-client"
  python_version = "3.10"

  pip_requirements = [
    "XGBoost",
    "pandas<2.0, >=1.5",
    "scikit_learn==1.2",
  ]

  rocky_linux_packages = [
    "vim",
  ]
}
