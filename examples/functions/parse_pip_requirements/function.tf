# requirements.txt is the file that the model's own tests install.
resource "rime_managed_image" "serving" {
  name             = "sklearn-serving"
  python_version   = "3.11"
  pip_requirements = provider::rime::parse_pip_requirements(file("${path.module}/requirements.txt"))
}

# train.txt begins with "-r requirements.txt" and "-c constraints.txt". All files that any line may name are passed.
resource "rime_managed_image" "training" {
  name           = "sklearn-training"
  python_version = "3.11"
  pip_requirements = provider::rime::parse_pip_requirements(
    file("${path.module}/train.txt"),
    { for name in ["requirements.txt", "constraints.txt"] : name => file("${path.module}/${name}") },
  )
}

# PowerShell's `pip freeze > windows.txt` writes UTF-16, which file() refuses.
resource "rime_managed_image" "windows" {
  name             = "frozen-on-windows"
  python_version   = "3.11"
  pip_requirements = provider::rime::parse_pip_requirements(textdecodebase64(filebase64("${path.module}/windows.txt"), "UTF-16"))
}

# In an environment.yml of conda, the list under "pip:" is a requirements file. What stands beside it is conda's, and is
# left out here: write it again as pip names it, or give it to conda_packages of rime_group_image.
locals {
  environment = yamldecode(file("${path.module}/environment.yml"))
  of_pip      = flatten([for dependency in local.environment.dependencies : dependency.pip if can(dependency.pip)])
  of_conda    = [for dependency in local.environment.dependencies : dependency if can(tostring(dependency))]
}

resource "rime_managed_image" "conda" {
  name             = "trained-with-conda"
  python_version   = "3.11"
  pip_requirements = provider::rime::parse_pip_requirements(join("\n", local.of_pip))
}

output "of_conda" {
  description = "What conda installs, taken apart."
  value       = [for spec in local.of_conda : provider::rime::parse_conda_spec(spec)]
}
