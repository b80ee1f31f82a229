# An image is imported by its name.
terraform import rime_managed_image.serving sklearn-serving
