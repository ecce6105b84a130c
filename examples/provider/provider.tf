terraform {
  required_providers {
    omni = {
      source  = "omnirs/omni"
      version = "~> 0.1"
    }
  }
}

# The key comes from OMNI_SERVICE_ACCOUNT_KEY, so that no file holds it.
provider "omni" {
  endpoint = "https://example.omni.siderolabs.io"
}
