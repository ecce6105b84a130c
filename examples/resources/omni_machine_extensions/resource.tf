# For all machines of a cluster.
resource "omni_machine_extensions" "prod" {
  cluster    = "prod"
  extensions = ["siderolabs/iscsi-tools", "siderolabs/util-linux-tools"]
}

# For the machines of one set, overrides the list of the cluster.
resource "omni_machine_extensions" "gpu" {
  cluster = "prod"
  selector = {
    machine_set = "gpu"
  }
  extensions = ["siderolabs/iscsi-tools", "siderolabs/nvidia-container-toolkit-lts"]
}

# One machine has none.
resource "omni_machine_extensions" "plain" {
  cluster = "prod"
  selector = {
    cluster_machine = "00000000-0000-4000-8000-000000000001"
  }
  extensions = []
}
