resource "omni_cluster" "prod" {
  name               = "prod"
  kubernetes_version = "1.36.2"
  talos_version      = "1.13.5"
}

# Machines of this set are selected with omni_machine_set_node.
resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.prod.id
  role    = "controlplane"
}

# This set allocates three machines from a machine class, and updates two of them at a time.
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
