locals {
  cluster = "prod"
}

# The nodes of the cluster, each in its place, and then the machines of the region that are free to join it.
data "omni_machines" "prod" {
  available_to   = local.cluster
  label_selector = "region = eu"
  connected      = true
}

# Three of them are workers; to have a fourth, raise the number.
resource "omni_machine_set_node" "worker" {
  for_each    = toset(slice(data.omni_machines.prod.ids, 0, 3))
  cluster     = local.cluster
  machine_set = "${local.cluster}-workers"
  machine_id  = each.value
}

output "large" {
  description = "Ids of the machines with at least 64 GiB of memory."
  value = [
    for machine in data.omni_machines.prod.machines : machine.id
    if sum(concat([0], machine.hardware.memory_modules[*].size_mb)) >= 65536
  ]
}
