data "omni_talos_versions" "supported" {
  deprecated  = false
  unsupported = false
}

output "newest_talos" {
  value = provider::omni::version_latest(data.omni_talos_versions.supported.ids, "")
}
