data "omni_machine_sets" "not_ready" {
  cluster = "prod"
  ready   = false
}

output "errors" {
  description = "Last error of each machine set that is not ready."
  value       = { for set in data.omni_machine_sets.not_ready.machine_sets : set.id => set.status.error }
}
