# A config patch, with the labels that say which cluster it is for.
resource "omni_resource" "time" {
  type = "ConfigPatches"
  id   = "400-prod-time"

  labels = {
    "omni.sidero.dev/cluster" = "prod"
  }

  spec = {
    data = yamlencode({
      machine = { time = { servers = ["time.example.org"] } }
    })
  }
}

# Omni may change the power state of the machine afterwards; the provider sets it once.
resource "omni_resource" "machine" {
  type = "InfraMachineConfigs"
  id   = "00000000-0000-4000-8000-000000000001"

  spec = {
    acceptance_status = "ACCEPTED"
    power_state       = "POWER_STATE_ON"
  }

  computed_fields = ["power_state"]
}

# Secrets are set in spec_wo, which neither plan nor state contains.
variable "secret_access_key" {
  type      = string
  ephemeral = true
}

resource "omni_resource" "backups" {
  type = "EtcdBackupS3Configs"
  id   = "etcd-backup-s3-conf"

  spec = {
    bucket = "etcd-backups"
    region = "eu-central-1"
  }

  spec_wo = {
    access_key_id     = "AKIAIOSFODNN7EXAMPLE"
    secret_access_key = var.secret_access_key
  }
}

# Waits until Omni reports the cluster as running.
resource "omni_resource" "cluster" {
  type = "Clusters"
  id   = "prod"

  yaml = <<-EOT
    kubernetesversion: 1.36.2
    talosversion: 1.13.5
  EOT

  wait = {
    type = "ClusterStatuses"
    fields = {
      phase     = "running"
      available = "true"
    }
  }
}
