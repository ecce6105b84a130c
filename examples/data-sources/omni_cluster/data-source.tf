# A cluster that somebody else takes care of.
data "omni_cluster" "prod" {
  name = "prod"
}

output "next_kubernetes" {
  description = "The newest Kubernetes version that the cluster can go to, or the one that it runs."
  value       = try(reverse(data.omni_cluster.prod.kubernetes_upgrade_versions)[0], data.omni_cluster.prod.kubernetes_version)
}

check "prod_is_ready" {
  assert {
    condition     = data.omni_cluster.prod.status.ready
    error_message = "Cluster prod is ${data.omni_cluster.prod.status.phase}, and not all of its machines are ready."
  }
}
