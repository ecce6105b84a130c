# A cluster with one machine, and the kubernetes provider configured with a token that is never stored.

terraform {
  required_version = ">= 1.10"

  required_providers {
    omni = {
      source = "omnirs/omni"
    }
    kubernetes = {
      source = "hashicorp/kubernetes"
    }
  }
}

variable "ca_certificate_file" {
  description = "Path of a file with the CA certificate of Omni; null to use those of the system."
  type        = string
  default     = null
}

# OMNI_ENDPOINT and OMNI_SERVICE_ACCOUNT_KEY set the endpoint and the credentials.
provider "omni" {
  ca_certificate_file = var.ca_certificate_file
}

data "omni_machines" "demo" {
  available_to = "demo"
}

resource "omni_cluster" "demo" {
  name               = "demo"
  talos_version      = "1.13.5"
  kubernetes_version = "1.36.2"
}

resource "omni_machine_set" "control_planes" {
  cluster = omni_cluster.demo.id
  role    = "controlplane"
}

resource "omni_machine_set_node" "control_plane" {
  cluster     = omni_cluster.demo.id
  machine_set = omni_machine_set.control_planes.id
  machine_id  = data.omni_machines.demo.ids[0]
  wait_for    = "running"
}

# Opened in every plan and every apply, after the cluster is created; the token is not written to state or plan.
# The token cannot be extended, so `ttl` must be longer than the longest run.
ephemeral "omni_kubeconfig" "demo" {
  cluster = omni_cluster.demo.id
  user    = "terraform"
  groups  = ["system:masters"]
  ttl     = "2h"
}

provider "kubernetes" {
  host                   = ephemeral.omni_kubeconfig.demo.host
  token                  = ephemeral.omni_kubeconfig.demo.token
  cluster_ca_certificate = ephemeral.omni_kubeconfig.demo.cluster_ca_certificate
}

# The Kubernetes API responds only when a machine runs.
data "kubernetes_server_version" "demo" {
  depends_on = [omni_machine_set_node.control_plane]
}

output "kubernetes_version" {
  description = "Version that the API server of the cluster reports."
  value       = data.kubernetes_server_version.demo.git_version
}
