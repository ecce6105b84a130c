# A cluster with three control planes and two workers, with patches at every level.

terraform {
  required_providers {
    omni = {
      source = "omnirs/omni"
    }
  }
}

variable "ca_certificate_file" {
  description = "Path of a file with the CA certificate of Omni; null to use those of the system."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the cluster."
  type        = string
  default     = "demo"
}

# OMNI_ENDPOINT and OMNI_SERVICE_ACCOUNT_KEY set the endpoint and the credentials.
provider "omni" {
  ca_certificate_file = var.ca_certificate_file
}

# The nodes of the cluster in a stable order, then the available machines.
data "omni_machines" "demo" {
  available_to = var.name
}

locals {
  control_planes = slice(data.omni_machines.demo.ids, 0, 3)
  workers        = slice(data.omni_machines.demo.ids, 3, 5)
}

resource "omni_cluster" "demo" {
  name               = var.name
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
  backup_interval    = "1h"

  features = {
    enable_workload_proxy = true
  }

  labels = {
    purpose = "demo"
  }
}

resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.demo.id
  role    = "controlplane"
}

resource "omni_machine_set" "workers" {
  cluster = omni_cluster.demo.id
  role    = "workers"

  update_strategy = {
    type            = "Rolling"
    max_parallelism = 2
  }
}

resource "omni_machine_set_node" "control_plane" {
  for_each = toset(local.control_planes)

  cluster     = omni_cluster.demo.id
  machine_set = omni_machine_set.control_planes.id
  machine_id  = each.key
  wait_for    = "running"
}

resource "omni_machine_set_node" "worker" {
  for_each = toset(local.workers)

  cluster     = omni_cluster.demo.id
  machine_set = omni_machine_set.workers.id
  machine_id  = each.key
  wait_for    = "running"
}

# For every machine of the cluster.
resource "omni_config_patch" "cluster" {
  name    = "time"
  cluster = omni_cluster.demo.id
  data = yamlencode({
    machine = {
      time = {
        servers = ["time.example.org"]
      }
    }
  })
}

# For the workers.
resource "omni_config_patch" "workers" {
  name    = "sysctls"
  weight  = 450
  cluster = omni_cluster.demo.id
  selector = {
    machine_set = omni_machine_set.workers.id
  }
  data = <<-EOT
    machine:
      sysctls:
        vm.max_map_count: "262144"
  EOT
}

# For one machine.
resource "omni_config_patch" "first" {
  name    = "first"
  weight  = 500
  cluster = omni_cluster.demo.id
  selector = {
    cluster_machine = omni_machine_set_node.control_plane[local.control_planes[0]].machine_id
  }
  data = <<-EOT
    machine:
      nodeLabels:
        example.org/first: "true"
  EOT
}

data "omni_kubeconfig" "demo" {
  cluster = omni_cluster.demo.id
  user    = "demo"
  ttl     = "1h"
}

# Every read issues a new token; this keeps the first one, so that plans stay empty.
resource "terraform_data" "kubeconfig" {
  input = data.omni_kubeconfig.demo.kubeconfig

  lifecycle {
    ignore_changes = [input]
  }
}

output "kubeconfig" {
  description = "Kubeconfig of the cluster, valid for one hour."
  value       = terraform_data.kubeconfig.output
  sensitive   = true
}
