import {
  to = rime_group_image.tensorflow
  id = "tensorflow-2.5"
}
