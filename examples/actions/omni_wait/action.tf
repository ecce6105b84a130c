# Waits until the cluster runs.
action "omni_wait" "running" {
  config {
    type    = "ClusterStatuses"
    id      = "prod"
    field   = "phase"
    value   = "RUNNING"
    timeout = "30m"
  }
}

# Waits until a machine has left its cluster.
action "omni_wait" "released" {
  config {
    type = "ClusterMachines"
    id   = "00000000-0000-4000-8000-000000000001"
    gone = true
  }
}
