variable "template" {
  type        = string
  description = "A cluster template."

  default = <<-EOT
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

  validation {
    condition     = can(provider::omni::cluster_template_validate(var.template))
    error_message = "The cluster template is not valid."
  }
}
