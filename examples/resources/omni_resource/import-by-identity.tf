import {
  to = omni_resource.time
  identity = {
    namespace = "default"
    type      = "ConfigPatches.omni.sidero.dev"
    id        = "400-prod-time"
  }
}
