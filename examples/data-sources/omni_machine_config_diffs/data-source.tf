data "omni_machine_config_diffs" "worker" {
  machine_id = "00000000-0000-4000-8000-000000000001"
}

output "changes" {
  value = { for change in data.omni_machine_config_diffs.worker.machine_config_diffs : change.created_at => change.diff... }
}
