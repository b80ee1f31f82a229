# Managed images in the ECR registry of an AWS account, with no platform and no login: repositories are made as needed, and tokens are AWS's own.

terraform {
  required_providers {
    rime = {
      source = "managed-images/rime"
    }
  }
}

provider "rime" {
  aws = {
    region       = "eu-central-1"
    default_tags = { team = "ml" }
  }

  embedded_registry = {
    # No url: the registry of the account.
    repository_prefix = "ml-images"

    repository_settings = {
      tag_mutability = "IMMUTABLE"
      scan_on_push   = true

      # What a push that was cut short has left.
      lifecycle_policy_json = jsonencode({
        rules = [{
          rulePriority = 1
          selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
          action       = { type = "expire" }
        }]
      })
    }

    buildkit = { address = "tcp://buildkitd.example.com:1234" }
  }
}

resource "rime_managed_image" "churn" {
  name             = "churn"
  python_version   = "3.12"
  pip_requirements = ["scikit-learn~=1.5"]
}

output "image" {
  value = rime_managed_image.churn.image_uri # 123456789012.dkr.ecr.eu-central-1.amazonaws.com/ml-images/churn@sha256:…
}
