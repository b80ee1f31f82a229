import {
  to = rime_managed_image.serving
  identity = {
    name = "sklearn-serving"
  }
}
