# Credentials for the account's ECR registry, in no state and no plan.
ephemeral "rime_registry_credentials" "ecr" {}

# For another provider, such as one that pushes images:
#
#   provider "docker" {
#     registry_auth {
#       address  = ephemeral.rime_registry_credentials.ecr.registry
#       username = ephemeral.rime_registry_credentials.ecr.username
#       password = ephemeral.rime_registry_credentials.ecr.password
#     }
#   }
