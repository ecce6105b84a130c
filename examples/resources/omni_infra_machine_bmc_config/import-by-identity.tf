import {
  to = omni_infra_machine_bmc_config.rack1
  identity = {
    machine_id = "00000000-0000-4000-8000-000000000001"
  }
}
