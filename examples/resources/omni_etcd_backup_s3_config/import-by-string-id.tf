import {
  to = omni_etcd_backup_s3_config.this
  id = "etcd-backup-s3-conf"
}
