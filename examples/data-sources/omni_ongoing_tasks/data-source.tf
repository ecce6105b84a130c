data "omni_ongoing_tasks" "upgrades" {
  kind = "talos_upgrade"
}

output "upgrades" {
  value = { for task in data.omni_ongoing_tasks.upgrades.ongoing_tasks : task.resource_id => task.status }
}
