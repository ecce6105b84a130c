# How many machines are free to join a cluster.

terraform {
  required_providers {
    omni = {
      source = "omnirs/omni"
    }
  }
}

variable "ca_certificate_file" {
  description = "File with the certificate of the authority that vouches for Omni; null for those of the system."
  type        = string
  default     = null
}

provider "omni" {
  ca_certificate_file = var.ca_certificate_file
}

data "omni_machines" "free" {
  available = true
}

output "free" {
  value = length(data.omni_machines.free.ids)
}
