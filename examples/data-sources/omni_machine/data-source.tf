# Another provider makes the machine; this stands for its network card.
resource "terraform_data" "virtual_machine" {
  input = { mac_address = "52:54:00:00:01:00" }
}

# The address is known once the machine is made, so the read waits for that, and then for the machine to register.
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
