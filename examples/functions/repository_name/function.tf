# "ml-images/sklearn-serving": what others may do there can be written down before the image is built.
output "repository" {
  value = provider::rime::repository_name("ml-images", "sklearn-serving")
}
