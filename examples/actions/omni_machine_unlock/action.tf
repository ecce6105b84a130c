variable "machine" {
  type        = string
  description = "ID of a worker."
}

action "omni_machine_unlock" "worker" {
  config {
    machine_id = var.machine
  }
}
