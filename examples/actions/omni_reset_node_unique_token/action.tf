variable "machine" {
  type        = string
  description = "ID of a machine whose disks were replaced."
}

action "omni_reset_node_unique_token" "machine" {
  config {
    machine_id = var.machine
  }
}
