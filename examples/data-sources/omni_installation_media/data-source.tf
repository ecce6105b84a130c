data "omni_installation_media" "metal" {
  preset = "metal"
}

output "schematic" {
  value = data.omni_installation_media.metal.schematic_id
}
