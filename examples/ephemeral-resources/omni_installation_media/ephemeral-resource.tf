ephemeral "omni_installation_media" "metal" {
  preset     = "metal"
  format     = "qcow2"
  standalone = true
}
