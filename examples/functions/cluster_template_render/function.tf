locals {
  template = <<-EOT
    kind: Cluster
    name: {{name}}
    kubernetes:
      version: v1.36.2
    talos:
      version: v1.13.5
    ---
    kind: ControlPlane
    machines: []
  EOT
}

output "objects" {
  value = provider::omni::cluster_template_render(local.template, { name = "prod" })
}
