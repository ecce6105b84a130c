resource "omni_cluster" "prod" {
  name               = "prod"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
}

# The machines of this set are named one by one, with omni_machine_set_node.
resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.prod.id
  role    = "controlplane"
}

# This set takes three machines of a class, and changes two of them at a time.
resource "omni_machine_set" "workers" {
  cluster = omni_cluster.prod.id
  role    = "workers"
  name    = "storage"

  machine_class = {
    name = "large-disks"
    size = 3
  }

  update_strategy = {
    type            = "Rolling"
    max_parallelism = 2
  }
}
