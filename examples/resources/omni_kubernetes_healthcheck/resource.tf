resource "omni_kubernetes_healthcheck" "dns" {
  name     = "dns"
  cluster  = "prod"
  interval = "1m"

  # Other clusters can have a health check of this name.
  id_prefix_cluster = true

  job = yamlencode({
    apiVersion = "batch/v1"
    kind       = "Job"
    metadata   = { namespace = "default" }
    spec = {
      backoffLimit = 0
      template = {
        spec = {
          restartPolicy = "Never"
          containers = [{
            name    = "check"
            image   = "docker.io/library/busybox:1.37"
            command = ["nslookup", "kubernetes.default.svc.cluster.local"]
          }]
        }
      }
    }
  })
}
