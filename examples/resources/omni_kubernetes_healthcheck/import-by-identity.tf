import {
  to = omni_kubernetes_healthcheck.dns
  identity = {
    id = "cluster-prod-dns"
  }
}
