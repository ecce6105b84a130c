ephemeral "omni_talosconfig" "prod" {
  cluster = "prod"
}

# Kept in a secret store, and in neither state nor plan.
resource "vault_kv_secret_v2" "talosconfig" {
  mount = "platform"
  name  = "talosconfig"

  data_json_wo = jsonencode({
    talosconfig = ephemeral.omni_talosconfig.prod.talosconfig
  })
  data_json_wo_version = 1
}
