action "omni_rotate_kubernetes_ca" "prod" {
  config {
    cluster = "prod"
    timeout = "2h"
  }
}
