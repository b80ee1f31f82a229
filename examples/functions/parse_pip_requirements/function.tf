# requirements.txt is the file that the model's own tests install.
resource "rime_managed_image" "serving" {
  name             = "sklearn-serving"
  python_version   = "3.11"
  pip_requirements = provider::rime::parse_pip_requirements(file("${path.module}/requirements.txt"))
}
