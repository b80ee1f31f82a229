# Images that the provider makes and the official client reads.
terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

resource "rime_group_image" "everyones" {
  display_name = "Everyone's"
  name         = "made-for-everyone"
  description  = "made by the provider"
  global       = true
  existing     = { url = "a/b:1", url_for_gpu = "a/b:1-gpu", image_pull_secret = "image-dockerhub" }
}

resource "rime_group_image" "ordered" {
  display_name = "made.to-order"
  name         = "made-to-order"
  type         = "cpu"
  groups       = ["research"]

  build = {
    base_image_url    = "jupyter/base-notebook"
    image_pull_secret = "image-internal"

    apt_packages   = ["curl"]
    conda_packages = ["-c pytorch fastai"]
    pip_packages   = ["numpy==1.17.4"]
  }
}

resource "rime_group_image" "of_a_group" {
  display_name = "Made for a Group"
  type         = "gpu"
  group        = "data-science"
  build        = { base_image_url = "jupyter/base-notebook" }
}

output "images" {
  value = [rime_group_image.everyones, rime_group_image.ordered, rime_group_image.of_a_group]
}
