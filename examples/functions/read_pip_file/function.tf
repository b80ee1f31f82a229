# torch.txt names an index besides the public one, and includes tested.txt with "-c".
locals {
  file = provider::rime::read_pip_file(
    file("${path.module}/torch.txt"),
    { "tested.txt" = file("${path.module}/tested.txt") },
  )
}

# An index is for all images of a provider, so that this file has a provider of its own.
provider "rime" {
  alias = "torch"

  embedded_registry = {
    url = "registry.example.com:5000"
    pip = {
      index_url        = local.file.index_url
      extra_index_urls = local.file.extra_index_urls
    }
  }
}

resource "rime_managed_image" "training" {
  provider         = rime.torch
  name             = "torch-training"
  python_version   = "3.11"
  pip_requirements = local.file.requirements
  pip_constraints  = local.file.constraints
}
