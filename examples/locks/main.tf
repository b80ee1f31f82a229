# Versions move once a month, all at a time, and never to what is younger than a week (`exclude_newer` of the provider).
# Packages that nobody names are bounded.
resource "rime_managed_image" "serving" {
  name             = "sklearn-serving-monthly"
  python_version   = "3.11"
  pip_requirements = ["scikit-learn~=1.5", "uvicorn[standard]~=0.30"]
  pip_constraints  = ["numpy<3"]
  triggers         = { month = formatdate("YYYY-MM", plantimestamp()) }
}

# Every plan looks for newer versions.
resource "rime_managed_image" "nightly" {
  name             = "sklearn-nightly"
  python_version   = "3.11"
  pip_requirements = ["scikit-learn"]
  pip_upgrade      = "always"
}

# For scanners and policies.
output "lock" {
  value = rime_managed_image.serving.pylock
}
