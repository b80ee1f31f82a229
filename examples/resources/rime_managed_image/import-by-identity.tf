import {
  to = rime_managed_image.serving
  identity = {
    registry = "registry.example.com/ml-images"
    name     = "sklearn-serving"
  }
}
