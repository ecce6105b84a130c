data "omni_resource" "health" {
  type = "ClusterStatuses"
  id   = "prod"
}

output "phase" {
  value = data.omni_resource.health.decoded.phase
}
