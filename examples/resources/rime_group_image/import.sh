# An image is imported by its name, which PrimeHub shows beside the display name.
terraform import rime_group_image.tensorflow tensorflow-2.5

# The address of the API before it makes sure that it is the image of that platform.
terraform import rime_group_image.tensorflow https://primehub.example.com/api/graphql/tensorflow-2.5
