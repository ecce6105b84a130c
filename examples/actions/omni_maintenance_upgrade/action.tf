variable "machine" {
  type        = string
  description = "ID of a machine in maintenance mode."
}

action "omni_maintenance_upgrade" "machine" {
  config {
    machine_id = var.machine
    version    = "1.13.5"
  }
}
