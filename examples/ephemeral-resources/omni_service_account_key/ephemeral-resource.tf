# A temporary account for this run, without the permission to create accounts.
ephemeral "omni_service_account_key" "run" {
  role = "Operator"
}

provider "omni" {
  alias               = "operator"
  endpoint            = "https://example.omni.siderolabs.io"
  service_account_key = ephemeral.omni_service_account_key.run.key
}

resource "omni_cluster" "prod" {
  provider           = omni.operator
  name               = "prod"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
}

# An additional key of an existing account. It cannot be revoked, so its lifetime is short.
ephemeral "omni_service_account_key" "ci" {
  service_account = "ci"
  ttl             = "30m"
}
