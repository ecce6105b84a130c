# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_etcd_backup_s3_config" "all" {
  provider = omni
}
