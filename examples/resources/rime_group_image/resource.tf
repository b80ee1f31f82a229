# An image of a group, which PrimeHub builds. Its name is generated from the display name.
resource "rime_group_image" "churn" {
  display_name = "churn-1.0"
  description  = "XGBoost on the notebook of the Jupyter project"
  type         = "cpu"
  group        = "data-science"

  build = {
    base_image_url = "jupyter/base-notebook"
    apt_packages   = ["curl", "libgomp1"]
    conda_packages = ["-c conda-forge", "numpy=1.17"]
    pip_packages   = ["xgboost==1.7.6", "pandas"]
  }
}

# An image that exists already, and how it is pulled.
resource "rime_group_image" "tensorflow" {
  display_name = "tensorflow-2.5"
  name         = "tensorflow-2.5"
  group        = "data-science"

  existing = {
    url               = "registry.example.com/notebooks/tensorflow:2.5-cpu"
    url_for_gpu       = "registry.example.com/notebooks/tensorflow:2.5-gpu"
    image_pull_secret = "image-internal"
  }
}

# A system image for two groups; with `global = true` it would be one for everybody. It takes the API token of a platform administrator.
resource "rime_group_image" "pytorch" {
  display_name = "pytorch-1.8"
  name         = "pytorch-1.8"
  type         = "gpu"
  group        = ""
  groups       = ["data-science", "research"]

  existing = { url = "infuseai/docker-stacks:pytorch-notebook" }
}
