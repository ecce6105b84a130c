resource "omni_cluster" "prod" {
  name               = "prod"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
  backup_interval    = "1h"

  features = {
    enable_workload_proxy = true
  }

  labels = {
    team = "platform"
  }
}
