data "omni_audit_log" "destroyed" {
  start_date = "2026-01-01"
  event_type = "destroy"
  cluster    = "prod"
}

output "who" {
  value = [for event in data.omni_audit_log.destroyed.events : jsondecode(event)]
}
