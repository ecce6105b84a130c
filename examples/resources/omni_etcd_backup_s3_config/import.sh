# There is one, so any text will do.
terraform import omni_etcd_backup_s3_config.this etcd-backup-s3-conf
