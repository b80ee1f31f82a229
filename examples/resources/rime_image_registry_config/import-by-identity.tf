import {
  to = rime_image_registry_config.this
  identity = {
    repository_prefix    = "rime-managed-images"
    resource_name_suffix = "prod"
    namespace            = "rime"
  }
}
