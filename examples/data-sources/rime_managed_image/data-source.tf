data "rime_managed_image" "serving" {
  name = "sklearn-serving"
}

# The version of numpy that is really installed.
output "numpy" {
  value = lookup(data.rime_managed_image.serving.pip_libraries, "numpy", "not installed")
}
