data "rime_managed_image" "serving" {
  name = "sklearn-serving"
}

# What is really installed, such as { "numpy" = "2.1.3" }.
output "installed" {
  value = { for library in data.rime_managed_image.serving.pip_libraries : library.name => library.version }
}
