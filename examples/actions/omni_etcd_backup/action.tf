resource "omni_cluster" "prod" {
  name               = "prod"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"

  # A backup before each change of the cluster; a backup that fails stops the change.
  lifecycle {
    action_trigger {
      events  = [before_update]
      actions = [action.omni_etcd_backup.prod]
    }
  }
}

action "omni_etcd_backup" "prod" {
  config {
    cluster = "prod"
    timeout = "30m"
  }
}
