variable "machine" {
  type        = string
  description = "ID of the machine."
}

action "omni_machine_power_on" "machine" {
  config {
    machine_id = var.machine
  }
}
