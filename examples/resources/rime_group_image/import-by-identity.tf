import {
  to = rime_group_image.tensorflow
  identity = {
    endpoint = "https://primehub.example.com/api/graphql" # may be left out
    name     = "tensorflow-2.5"
  }
}
