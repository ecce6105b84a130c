ephemeral "omni_omniconfig" "self" {}

# Stored in a secret store only.
resource "vault_kv_secret_v2" "omniconfig" {
  mount = "platform"
  name  = "omniconfig"

  data_json_wo = jsonencode({
    omniconfig = ephemeral.omni_omniconfig.self.omniconfig
  })
  data_json_wo_version = 1
}
