locals {
  resources = provider::omni::resource_decode_multi(<<-EOT
    metadata:
      namespace: default
      type: Clusters.omni.sidero.dev
      id: production
    spec:
      talosversion: 1.13.8
  EOT
  )
}

output "ids" {
  value = [for resource in local.resources : resource.metadata.id]
}
