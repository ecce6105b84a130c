# The ID is that of the machine.
terraform import omni_infra_machine_bmc_config.rack1 00000000-0000-4000-8000-000000000001
