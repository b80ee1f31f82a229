terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

# The API key comes from the environment variable RIME_API_KEY.
provider "rime" {
  endpoint = "https://rime.example.com"
}

# client.get_managed_image("churn"): an image that is not there is an error.
data "rime_managed_image" "churn" {
  name = "churn"
}

# client.list_managed_images([pip_library_filter("xgboost"), pip_library_filter("pandas", "1.5")])
data "rime_managed_images" "with_libraries" {
  pip_libraries = {
    xgboost = "" # any version
    pandas  = "1.5"
  }
}

# client.has_managed_image("churn", check_status=True): an image that is not there is none in the list.
data "rime_managed_images" "churn" {
  name_regex = "^churn$"
  statuses   = ["ready"]
}

output "installed" {
  value = data.rime_managed_image.churn.pip_libraries
}

output "names" {
  value = data.rime_managed_images.with_libraries.images[*].name
}

output "has_churn" {
  value = length(data.rime_managed_images.churn.images) > 0
}
