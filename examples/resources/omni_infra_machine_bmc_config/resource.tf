variable "bmc_password" {
  type      = string
  ephemeral = true
  sensitive = true
}

resource "omni_infra_machine_bmc_config" "rack1" {
  machine_id = "00000000-0000-4000-8000-000000000001"

  ipmi = {
    address     = "10.0.10.11"
    username    = "admin"
    password_wo = var.bmc_password
  }
}
