resource "omni_cluster" "prod" {
  name               = "prod"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
}

resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.prod.id
  role    = "controlplane"
}

resource "omni_machine_set_node" "first" {
  cluster     = omni_cluster.prod.id
  machine_set = omni_machine_set.control_planes.id
  machine_id  = "00000000-0000-4000-8000-000000000001"
  wait_for    = "running"

  timeouts = {
    create = "30m"
  }
}
