data "omni_talos_extensions" "nvidia" {
  talos_version = "1.13.5"
  id_regexp     = "nvidia"
}

output "nvidia_extensions" {
  value = data.omni_talos_extensions.nvidia.ids
}
