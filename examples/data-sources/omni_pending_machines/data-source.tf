data "omni_pending_machines" "all" {}

output "waiting" {
  value = data.omni_pending_machines.all.pending_machines[*].machine_id
}
