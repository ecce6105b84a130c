# An account for this run only, which may not make further accounts.
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

# One more key of an account that is there already: it cannot be taken back, so it does not live long.
ephemeral "omni_service_account_key" "ci" {
  service_account = "ci"
  ttl             = "30m"
}
