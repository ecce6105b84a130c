# A cluster that is managed elsewhere.
data "omni_cluster" "prod" {
  name = "prod"
}

output "next_kubernetes" {
  description = "Newest Kubernetes version that the cluster can be upgraded to, or its current version."
  value       = try(reverse(data.omni_cluster.prod.kubernetes_upgrade_versions)[0], data.omni_cluster.prod.kubernetes_version)
}

check "prod_is_ready" {
  assert {
    condition     = data.omni_cluster.prod.status.ready
    error_message = "Cluster prod is ${data.omni_cluster.prod.status.phase}, and not all of its machines are ready."
  }
}
