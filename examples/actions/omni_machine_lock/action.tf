variable "machine" {
  type        = string
  description = "ID of a worker."
}

action "omni_machine_lock" "worker" {
  config {
    machine_id = var.machine
  }
}
