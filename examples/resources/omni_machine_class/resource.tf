# Takes machines by their labels.
resource "omni_machine_class" "storage" {
  name         = "storage"
  match_labels = ["region = eu, disk = nvme", "region = us, disk = nvme"]
}

# Machines that an infrastructure provider creates.
resource "omni_machine_class" "small" {
  name = "small"

  auto_provision = {
    provider_id   = "kubevirt"
    provider_data = yamlencode({ cores = 4, memory = 8192 })
    kernel_args   = ["console=ttyS0"]
  }
}

resource "omni_machine_set" "workers" {
  cluster = "prod"
  role    = "workers"

  machine_class = {
    name = omni_machine_class.storage.name
    size = 3
  }
}
