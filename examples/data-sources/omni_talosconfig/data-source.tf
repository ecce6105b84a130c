# Without a cluster, it is for all machines of the instance.
data "omni_talosconfig" "prod" {
  cluster = "prod"
}

output "talosconfig" {
  value     = data.omni_talosconfig.prod.talosconfig
  sensitive = true
}
