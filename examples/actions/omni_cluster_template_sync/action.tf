# `terraform apply -invoke=action.omni_cluster_template_sync.preview` tells what would change.
action "omni_cluster_template_sync" "preview" {
  config {
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

    dry_run = true
  }
}
