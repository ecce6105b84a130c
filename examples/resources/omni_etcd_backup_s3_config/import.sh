# This is a singleton: any ID will do.
terraform import omni_etcd_backup_s3_config.this etcd-backup-s3-conf
