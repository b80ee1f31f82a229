data "rime_group_image" "tensorflow" {
  name = "tensorflow-2.5"
}

output "tensorflow" {
  value = data.rime_group_image.tensorflow.url
}
