resource "omni_machine_install_disk" "storage" {
  machine_id    = "00000000-0000-4000-8000-000000000001"
  disk_selector = "disk.size > 100u * GB && !disk.rotational"
}

resource "omni_machine_set_node" "storage" {
  cluster     = "prod"
  machine_set = "workers"
  machine_id  = omni_machine_install_disk.storage.machine_id
}
