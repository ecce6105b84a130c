data "omni_machine_classes" "all" {
  id_regexp = "^storage"
}

output "classes" {
  value = data.omni_machine_classes.all.ids
}
