# The images in which a version of numpy with a known fault is installed.
data "rime_managed_images" "affected" {
  pip_libraries = { numpy = "1.26.0" }
}

# The images of one team that cannot be used as they are.
data "rime_managed_images" "broken" {
  name_regex = "^fraud-"
  statuses   = ["failed", "missing", "moved"]
}

output "affected" {
  value = data.rime_managed_images.affected.images[*].name
}
