data "omni_cluster_template_diff" "prod" {
  template = <<-EOT
    kind: Cluster
    name: prod
    kubernetes:
      version: v1.36.2
    talos:
      version: v1.13.5
    ---
    kind: ControlPlane
    machines: []
  EOT
}

# A plan warns as long as the cluster is not what the template describes.
check "prod" {
  assert {
    condition     = !data.omni_cluster_template_diff.prod.changed
    error_message = data.omni_cluster_template_diff.prod.diff
  }
}
