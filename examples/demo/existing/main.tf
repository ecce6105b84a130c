# An Omni that is in use; terraform query finds what it has.

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
