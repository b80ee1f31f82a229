data "rime_group" "ours" {
  name = "data-science"
}

output "may_manage_images" {
  value = data.rime_group.ours.is_admin
}
