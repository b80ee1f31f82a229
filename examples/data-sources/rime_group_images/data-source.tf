# What one group has for machines with a GPU, and can use.
data "rime_group_images" "gpu" {
  group    = "data-science"
  type     = "gpu"
  is_ready = true
}

# PrimeHub's "Search Image", among the system images.
data "rime_group_images" "pytorch" {
  search = "pytorch"
  scope  = "system"
}

output "gpu_images" {
  value = data.rime_group_images.gpu.images[*].display_name
}
