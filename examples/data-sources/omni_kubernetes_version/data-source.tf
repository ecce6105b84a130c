data "omni_kubernetes_version" "newest" {
  talos_version = "1.13.5"
}

output "kubernetes_version" {
  value = data.omni_kubernetes_version.newest.version
}
