variable "registry" {
  description = "Host and port of the OCI registry that keeps the images."
  type        = string
  default     = "localhost:5000"
}

variable "buildkit_address" {
  description = "Address of the BuildKit daemon. Null takes BUILDKIT_HOST or the daemon of this machine."
  type        = string
  default     = null
}

variable "base_image" {
  description = "Image with Python 3.11 and pip to build on."
  type        = string
  default     = "python:3.11-slim-bookworm"
}

variable "package_index" {
  description = "URL of the Python package index. Null takes the public one."
  type        = string
  default     = null
}

variable "ca_file" {
  description = "PEM file with certificate authorities that the provider and the builds trust in addition."
  type        = string
  default     = null
}

variable "images" {
  description = "The images, by name: packages for pip and for apt."
  type = map(object({
    pip = set(string)
    apt = optional(set(string), [])
  }))
  default = {
    sklearn-serving = {
      pip = [
        "scikit-learn>=1.5,<2",
        "pandas>=2.2,<3",
      ]
    }
    lightgbm-train = {
      pip = ["lightgbm~=4.5"]
      apt = ["libgomp1"] # the OpenMP runtime that LightGBM's wheel expects of the system
    }
  }
}
