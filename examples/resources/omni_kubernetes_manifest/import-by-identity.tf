import {
  to = omni_kubernetes_manifest.monitoring
  identity = {
    id = "400-prod-monitoring"
  }
}
