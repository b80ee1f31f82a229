data "rime_image_pull_secrets" "all" {}

# The secret is named as PrimeHub's portal shows it; images refer to its id.
resource "rime_group_image" "private" {
  display_name = "private-notebook"
  group        = "data-science"

  existing = {
    url               = "registry.example.com/notebooks/private:1"
    image_pull_secret = data.rime_image_pull_secrets.all.ids["internal"]
  }
}
