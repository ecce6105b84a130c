data "omni_installation_media_presets" "all" {
  label_selector = "!retired"
}

output "presets" {
  value = data.omni_installation_media_presets.all.ids
}
