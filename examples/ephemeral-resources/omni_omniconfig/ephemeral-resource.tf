ephemeral "omni_omniconfig" "self" {}

# Kept in a secret store, and in neither state nor plan.
resource "vault_kv_secret_v2" "omniconfig" {
  mount = "platform"
  name  = "omniconfig"

  data_json_wo = jsonencode({
    omniconfig = ephemeral.omni_omniconfig.self.omniconfig
  })
  data_json_wo_version = 1
}
