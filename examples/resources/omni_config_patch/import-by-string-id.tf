import {
  to = omni_config_patch.time
  id = "400-prod-time"
}
