ephemeral "omni_cluster_health" "prod" {
  cluster = "prod"
  timeout = "20m"
}
