data "omni_config_patches" "of_workers" {
  cluster     = "prod"
  machine_set = "prod-workers"
}

output "patches" {
  description = "Name of each patch of the workers, by its ID."
  value       = { for patch in data.omni_config_patches.of_workers.config_patches : patch.id => patch.name }
}
