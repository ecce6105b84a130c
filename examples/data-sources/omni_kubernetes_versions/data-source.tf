data "omni_kubernetes_versions" "of_talos" {
  talos_version = "1.13.5"
}

output "kubernetes_versions" {
  description = "Kubernetes versions that this Talos version supports."
  value       = data.omni_kubernetes_versions.of_talos.ids
}
