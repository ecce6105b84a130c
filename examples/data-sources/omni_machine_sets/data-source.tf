data "omni_machine_sets" "troubled" {
  cluster = "prod"
  ready   = false
}

output "troubles" {
  description = "What stands in the way of each machine set that is not ready."
  value       = { for set in data.omni_machine_sets.troubled.machine_sets : set.id => set.status.error }
}
