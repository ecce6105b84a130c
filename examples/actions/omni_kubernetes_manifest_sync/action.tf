variable "kubernetes_version" {
  type    = string
  default = "1.36.2"
}

resource "omni_cluster" "prod" {
  name               = "prod"
  talos_version      = "1.13.5"
  kubernetes_version = var.kubernetes_version
  wait_for           = "running"

  # Runs after every update of the cluster. `wait_for` makes an update wait for the upgrade.
  lifecycle {
    action_trigger {
      events  = [after_update]
      actions = [action.omni_kubernetes_manifest_sync.prod]
    }
  }
}

action "omni_kubernetes_manifest_sync" "prod" {
  config {
    cluster = "prod"
  }
}

# `terraform apply -invoke=action.omni_kubernetes_manifest_sync.preview` tells what would change.
action "omni_kubernetes_manifest_sync" "preview" {
  config {
    cluster = "prod"
    dry_run = true
  }
}
