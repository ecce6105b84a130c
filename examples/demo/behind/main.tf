# Another configuration with a separate state, which changes the config patch of the cluster.

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


provider "omni" {
  ca_certificate_file = var.ca_certificate_file
}

import {
  to = omni_config_patch.taken
  id = "400-demo-time"
}

resource "omni_config_patch" "taken" {
  name    = "time"
  cluster = "demo"
  data = yamlencode({
    machine = {
      time = {
        servers = ["elsewhere.example.org"]
      }
    }
  })
}
