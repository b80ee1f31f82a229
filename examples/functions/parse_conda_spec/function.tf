# "conda-forge"
output "channel" {
  value = provider::rime::parse_conda_spec("conda-forge::numpy==1.17.*").channel
}
