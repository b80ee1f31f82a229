import {
  to = rime_managed_image.serving
  id = "sklearn-serving"
}
