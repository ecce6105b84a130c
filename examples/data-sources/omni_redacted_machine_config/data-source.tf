data "omni_redacted_machine_config" "worker" {
  machine_id = "00000000-0000-4000-8000-000000000001"
}

output "machine_config" {
  value = data.omni_redacted_machine_config.worker.data
}
