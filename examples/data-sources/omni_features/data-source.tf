data "omni_features" "this" {}

output "shortest_backup_interval" {
  value = try(data.omni_features.this.etcd_backups.min_interval, null)
}
