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

# An image that a script has created. What is written here has to ask for the same; the plan shows what does not.
import {
  to = rime_managed_image.churn
  id = "churn"
}

resource "rime_managed_image" "churn" {
  name           = "churn"
  python_version = "3.9"

  pip_requirements = [
    "xgboost",
    "pandas>=1.5,<2",
  ]
}
