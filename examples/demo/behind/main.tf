# Somebody else, with a state of their own, who changes the cluster's patch.

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
