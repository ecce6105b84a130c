# The same token in every run, renewed by the first plan in its last week.
resource "omni_kubeconfig" "monitoring" {
  cluster      = omni_cluster.prod.id
  user         = "monitoring"
  groups       = ["monitoring"]
  ttl          = "720h"
  renew_before = "168h"
}

resource "omni_cluster" "prod" {
  name               = "prod"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

output "monitoring_kubeconfig" {
  value     = omni_kubeconfig.monitoring.kubeconfig
  sensitive = true
}
