import {
  to = omni_config_patch.time
  identity = {
    id = "400-prod-time"
  }
}
