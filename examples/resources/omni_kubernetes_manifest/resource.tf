variable "registry_auth" {
  type      = string
  sensitive = true
  ephemeral = true
}

# Omni keeps these objects as they are here.
resource "omni_kubernetes_manifest" "monitoring" {
  name    = "monitoring"
  cluster = "prod"
  mode    = "full"
  data    = <<-EOT
    apiVersion: v1
    kind: Namespace
    metadata:
      name: monitoring
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: settings
      namespace: monitoring
    data:
      retention: 30d
  EOT
}

# Omni applies this object once. Its secret reaches Omni, and neither plan nor state keep it.
resource "omni_kubernetes_manifest" "registry" {
  name    = "registry"
  cluster = "prod"
  mode    = "one-time"
  data_wo = yamlencode({
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "registry", namespace = "kube-system" }
    type       = "kubernetes.io/dockerconfigjson"
    stringData = { ".dockerconfigjson" = var.registry_auth }
  })
}
