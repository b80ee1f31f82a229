terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

provider "rime" {
  embedded_registry = {
    url               = "registry.example.com:5000"
    repository_prefix = "ml-images"

    base_images = {
      "3.11" = "python:3.11-slim-bookworm"
      "3.12" = "python:3.12-slim-bookworm"
    }

    buildkit = {
      address   = "tcp://buildkitd.example.com:1234"
      ca_file   = "/etc/buildkit/ca.pem"
      cert_file = "/etc/buildkit/cert.pem"
      key_file  = "/etc/buildkit/key.pem"
    }

    pip = {
      index_url = var.pip_index_url # may carry credentials
    }

    cache = {
      ref = "registry.example.com:5000/ml-images-cache:main"
    }

    platforms           = ["linux/amd64"]
    compression         = "zstd"
    max_parallel_builds = 2
  }

  primehub = {
    endpoint  = "https://primehub.example.com/api/graphql"
    api_token = var.primehub_api_token
    group     = "data-science"
  }

  http = {
    request_timeout = "60s"
    max_retries     = 4
  }
}

variable "pip_index_url" {
  description = "URL of the package index, with credentials where it needs them."
  type        = string
  sensitive   = true
  default     = "https://pypi.org/simple/"
}

variable "primehub_api_token" {
  description = "API token for PrimeHub, requested in its User Portal under API Token."
  type        = string
  sensitive   = true
  default     = "only-an-example"
}
