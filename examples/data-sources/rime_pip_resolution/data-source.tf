# What the requirements come to today, without building anything.
data "rime_pip_resolution" "serving" {
  python_version   = "3.11"
  pip_requirements = ["scikit-learn~=1.5", "uvicorn[standard]~=0.30"]
  pip_constraints  = ["numpy<3"]
}

check "no_source_builds" {
  assert {
    condition     = length(data.rime_pip_resolution.serving.built_from_source) == 0
    error_message = "Built from source: ${join(", ", keys(data.rime_pip_resolution.serving.built_from_source))}."
  }
}

output "versions" {
  value = data.rime_pip_resolution.serving.pip_libraries
}
