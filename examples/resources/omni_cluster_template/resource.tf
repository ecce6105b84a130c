resource "omni_cluster_template" "prod" {
  template = <<-EOT
    kind: Cluster
    name: prod
    kubernetes:
      version: v{{kubernetes}}
    talos:
      version: v{{talos}}
    patches:
      - name: ntp
        inline:
          machine:
            time:
              servers: [time.example.org]
    ---
    kind: ControlPlane
    machines:
      - 4d1a3c2e-0f6b-4b57-9a3e-6c1f2b7d8e90
    ---
    kind: Workers
    machineClass:
      name: workers
      size: 3
  EOT

  variables = {
    kubernetes = "1.36.2"
    talos      = "1.13.5"
  }
}

# A file of a repository that `omnictl cluster template` uses too.
resource "omni_cluster_template" "staging" {
  template_file = "${path.module}/clusters/staging.yaml"
  wait_for      = "running"

  destroy_disconnected_machines = true
}
