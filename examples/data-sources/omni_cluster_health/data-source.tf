data "omni_cluster_health" "prod" {
  cluster = "prod"
  timeout = "20m"
}

# Waits until the cluster runs.
data "omni_kubeconfig" "prod" {
  cluster    = "prod"
  depends_on = [data.omni_cluster_health.prod]
}
