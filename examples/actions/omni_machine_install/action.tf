variable "machine" {
  type        = string
  description = "ID of a machine in maintenance mode."
}

action "omni_machine_install" "machine" {
  config {
    machine_id = var.machine
    disk       = "/dev/nvme0n1"
    version    = "1.13.5"
  }
}
