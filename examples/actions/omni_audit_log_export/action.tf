action "omni_audit_log_export" "january" {
  config {
    path       = "${path.root}/audit-2026-01.jsonl"
    start_date = "2026-01-01"
    end_date   = "2026-02-01"
    cluster    = "prod"
  }
}
