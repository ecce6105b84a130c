import {
  to = omni_kubernetes_healthcheck.dns
  id = "cluster-prod-dns"
}
