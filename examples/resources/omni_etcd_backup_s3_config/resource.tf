variable "backup_secret_key" {
  type      = string
  sensitive = true
  ephemeral = true
}

# The secret is not written to state or plan.
resource "omni_etcd_backup_s3_config" "this" {
  bucket               = "etcd-backups"
  region               = "eu-central-1"
  access_key_id        = "AKIAIOSFODNN7EXAMPLE"
  secret_access_key_wo = var.backup_secret_key
}
