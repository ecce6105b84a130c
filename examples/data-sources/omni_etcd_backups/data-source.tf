data "omni_etcd_backups" "prod" {
  cluster = "prod"
}

output "newest_snapshot" {
  value = try(data.omni_etcd_backups.prod.etcd_backups[0].snapshot, null)
}
