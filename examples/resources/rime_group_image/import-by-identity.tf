import {
  to = rime_group_image.tensorflow
  identity = {
    name = "tensorflow-2.5"
  }
}
