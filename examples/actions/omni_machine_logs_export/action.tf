variable "machine" {
  type        = string
  description = "ID of the machine."
}

action "omni_machine_logs_export" "machine" {
  config {
    machine_id = var.machine
    path       = "${path.root}/machine.log"
    tail_lines = 1000
    overwrite  = true
  }
}
