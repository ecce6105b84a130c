ephemeral "omni_talosconfig" "prod" {
  cluster = "prod"
}

# Stored in a secret store only.
resource "vault_kv_secret_v2" "talosconfig" {
  mount = "platform"
  name  = "talosconfig"

  data_json_wo = jsonencode({
    talosconfig = ephemeral.omni_talosconfig.prod.talosconfig
  })
  data_json_wo_version = 1
}
