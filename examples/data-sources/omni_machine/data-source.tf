# Stands for a virtual machine that another provider creates.
resource "terraform_data" "virtual_machine" {
  input = { mac_address = "52:54:00:00:01:00" }
}

# Read after the virtual machine is created; waits until it has registered with Omni.
data "omni_machine" "worker" {
  mac_address           = terraform_data.virtual_machine.output.mac_address
  wait_for_registration = true
  timeout               = "15m"
}

resource "omni_machine_set_node" "worker" {
  cluster     = "prod"
  machine_set = "prod-workers"
  machine_id  = data.omni_machine.worker.id
}
