# What the platform's own module made is imported by the base of its prefix, its resource_name_suffix and its namespace.
terraform import rime_image_registry_config.this rime-managed-images,prod,rime
