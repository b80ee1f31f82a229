# An image is imported by its name, which PrimeHub shows beside the display name.
terraform import rime_group_image.tensorflow tensorflow-2.5
