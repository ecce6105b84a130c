data "omni_kubernetes_versions" "of_talos" {
  talos_version = "1.13.5"
}

output "kubernetes_versions" {
  description = "What a cluster with this Talos version can run."
  value       = data.omni_kubernetes_versions.of_talos.ids
}
