# Machines that are free to join a cluster, by a label of their own.
data "omni_machines" "free" {
  label_selector = "region = eu"
  available      = true
  connected      = true
}

output "large" {
  description = "Ids of the machines with at least 64 GiB of memory."
  value = [
    for machine in data.omni_machines.free.machines : machine.id
    if sum(concat([0], machine.hardware.memory_modules[*].size_mb)) >= 65536
  ]
}
