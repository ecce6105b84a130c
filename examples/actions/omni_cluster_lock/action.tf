# Nobody changes the cluster while something else works on its machines.
action "omni_cluster_lock" "prod" {
  config {
    cluster = "prod"
  }
}
