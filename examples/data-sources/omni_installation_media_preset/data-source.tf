data "omni_installation_media_preset" "metal" {
  name = "metal"
}

output "extensions" {
  value = data.omni_installation_media_preset.metal.extensions
}
