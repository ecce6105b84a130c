locals {
  cluster = "prod"
}

# The nodes of the cluster in a stable order, then the available machines of the region.
data "omni_machines" "prod" {
  available_to   = local.cluster
  label_selector = "region = eu"
  connected      = true
}

# The first three are workers; increase the number to add one.
resource "omni_machine_set_node" "worker" {
  for_each    = toset(slice(data.omni_machines.prod.ids, 0, 3))
  cluster     = local.cluster
  machine_set = "${local.cluster}-workers"
  machine_id  = each.value
}

output "large" {
  description = "IDs of the machines with at least 64 GiB of memory."
  value = [
    for machine in data.omni_machines.prod.machines : machine.id
    if sum(concat([0], machine.hardware.memory_modules[*].size_mb)) >= 65536
  ]
}
