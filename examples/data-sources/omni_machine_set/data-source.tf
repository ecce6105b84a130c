data "omni_machine_set" "workers" {
  id = provider::omni::machine_set_id("prod", "workers", null)
}

output "missing_workers" {
  description = "How many machines the set was asked for and does not have in good health."
  value       = data.omni_machine_set.workers.status.machines.requested - data.omni_machine_set.workers.status.machines.healthy
}
