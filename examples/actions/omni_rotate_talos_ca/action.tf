action "omni_rotate_talos_ca" "prod" {
  config {
    cluster = "prod"
    timeout = "2h"
  }
}
