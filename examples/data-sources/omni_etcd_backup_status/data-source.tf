data "omni_etcd_backup_status" "prod" {
  cluster = "prod"
}

check "backups" {
  assert {
    condition     = data.omni_etcd_backup_status.prod.status != "error"
    error_message = "The last etcd backup failed: ${data.omni_etcd_backup_status.prod.error}"
  }
}
