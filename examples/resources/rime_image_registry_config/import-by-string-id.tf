import {
  to = rime_image_registry_config.this
  id = "rime-managed-images,prod,rime"
}
