variable "machine" {
  type        = string
  description = "ID of a machine that is being removed from its cluster, and never comes back."
}

# Both have to be given: `terraform apply -invoke=action.omni_node_force_destroy.lost -var machine=… -var confirm=…`
variable "confirm" {
  type        = string
  description = "The same ID once more."
}

action "omni_node_force_destroy" "lost" {
  config {
    machine_id = var.machine
    confirm    = var.confirm
  }
}
