# What the machines of this instance boot with.
resource "omni_schematic" "metal" {
  talos_version = "1.13.5"
  extensions    = ["siderolabs/iscsi-tools", "siderolabs/util-linux-tools"]
  kernel_args   = ["console=ttyS0"]

  meta_values = {
    "12" = yamlencode({ machineLabels = { site = "berlin" } })
  }
}

# A board needs its overlay.
resource "omni_schematic" "board" {
  talos_version = "1.13.5"

  overlay = {
    image   = "siderolabs/sbc-raspberrypi"
    name    = "rpi_generic"
    options = yamlencode({ configTxtAppend = "dtparam=spi=on" })
  }
}

# Settings that only the image factory knows; such machines do not join this instance by themselves.
resource "omni_schematic" "secure_boot" {
  raw = yamlencode({
    customization = {
      secureboot = { includeWellKnownCertificates = true }
    }
  })
}

output "installer_image" {
  value = "factory.talos.dev/metal-installer/${omni_schematic.metal.id}:v1.13.5"
}
