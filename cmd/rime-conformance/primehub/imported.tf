# An image that the official client has made, as the provider takes it over. Its packages are written otherwise than the client wrote them.
terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

import {
  to = rime_group_image.left
  id = "left-by-client"
}

resource "rime_group_image" "left" {
  display_name = "Left by the client"
  name         = "left-by-client"
  type         = "cpu"
  groups       = ["research"]

  build = {
    base_image_url = "jupyter/base-notebook"
    apt_packages   = ["curl"]
    conda_packages = ["-c pytorch", "fastai"]
  }
}
