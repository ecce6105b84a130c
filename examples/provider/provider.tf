terraform {
  required_providers {
    omni = {
      source  = "omnirs/omni"
      version = "~> 0.1"
    }
  }
}

# The key is in the environment variable OMNI_SERVICE_ACCOUNT_KEY.
provider "omni" {
  endpoint = "https://example.omni.siderolabs.io"
}
