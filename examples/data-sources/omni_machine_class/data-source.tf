data "omni_machine_class" "storage" {
  name = "storage"
}

output "selectors" {
  value = data.omni_machine_class.storage.match_labels
}
