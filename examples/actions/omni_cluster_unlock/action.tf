action "omni_cluster_unlock" "prod" {
  config {
    cluster = "prod"
  }
}
