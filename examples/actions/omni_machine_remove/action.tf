variable "machine" {
  type        = string
  description = "ID of a machine that never comes back."
}

# Both have to be given: `terraform apply -invoke=action.omni_machine_remove.lost -var machine=… -var confirm=…`
variable "confirm" {
  type        = string
  description = "The same ID once more."
}

action "omni_machine_remove" "lost" {
  config {
    machine_id = var.machine
    confirm    = var.confirm
  }
}
