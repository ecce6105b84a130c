data "omni_talosconfig" "prod" {
  cluster = "prod"
}

output "talosconfig" {
  value     = data.omni_talosconfig.prod.talosconfig
  sensitive = true
}
