import {
  to = omni_installation_media_preset.metal
  identity = {
    name = "metal"
  }
}
