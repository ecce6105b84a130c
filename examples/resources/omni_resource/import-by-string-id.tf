import {
  to = omni_resource.time
  id = "default/ConfigPatches.omni.sidero.dev/400-prod-time"
}
