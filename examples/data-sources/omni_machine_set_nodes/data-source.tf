data "omni_machine_set_nodes" "workers" {
  machine_set = "prod-workers"
}

output "stages" {
  description = "Where each worker is, by the ID of its machine."
  value       = { for node in data.omni_machine_set_nodes.workers.machine_set_nodes : node.machine_id => node.status.stage }
}
