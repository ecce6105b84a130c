# Stands for a virtual machine that another provider creates.
resource "terraform_data" "virtual_machine" {
  input = { mac_address = "52:54:00:00:01:00" }
}

# Waits until the virtual machine has registered, and removes it from Omni on destroy.
resource "omni_machine" "worker" {
  mac_address           = terraform_data.virtual_machine.output.mac_address
  wait_for_registration = true
  on_destroy            = "remove"

  timeouts = {
    create = "15m"
  }
}

resource "omni_machine_set_node" "worker" {
  cluster     = "prod"
  machine_set = "prod-workers"
  machine_id  = omni_machine.worker.machine_id
}

# A machine of the bare metal provider, which may wipe it from now on.
resource "omni_machine" "rack" {
  machine_id = "00000000-0000-4000-8000-000000000003"
  accept     = true
}
