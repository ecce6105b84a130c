resource "omni_installation_media_preset" "metal" {
  name          = "metal"
  talos_version = "1.13.5"
  extensions    = ["siderolabs/iscsi-tools", "siderolabs/util-linux-tools"]
  kernel_args   = ["console=ttyS0"]

  machine_labels = {
    site = "berlin"
  }
}

resource "omni_installation_media_preset" "aws" {
  name         = "aws"
  architecture = "arm64"

  cloud = {
    platform = "aws"
  }
}

resource "omni_installation_media_preset" "edge" {
  name         = "edge"
  architecture = "arm64"

  sbc = {
    overlay = "rpi_generic"
  }
}
