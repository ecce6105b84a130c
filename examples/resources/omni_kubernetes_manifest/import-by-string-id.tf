import {
  to = omni_kubernetes_manifest.monitoring
  id = "400-prod-monitoring"
}
