data "omni_machine_set" "workers" {
  id = provider::omni::machine_set_id("prod", "workers", null)
}

output "missing_workers" {
  description = "Number of requested machines that are missing or not healthy."
  value       = data.omni_machine_set.workers.status.machines.requested - data.omni_machine_set.workers.status.machines.healthy
}
