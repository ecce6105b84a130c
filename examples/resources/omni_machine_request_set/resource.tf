resource "omni_machine_request_set" "burst" {
  name          = "burst"
  provider_id   = "qemu"
  machine_count = 3
  talos_version = "1.13.5"
  extensions    = ["siderolabs/qemu-guest-agent"]

  provider_data = yamlencode({
    cores  = 4
    memory = 8192
  })
}
