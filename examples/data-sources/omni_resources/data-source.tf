data "omni_resources" "schematics" {
  type           = "MachineExtensions"
  label_selector = "omni.sidero.dev/cluster = prod"
}

output "extensions" {
  value = { for machine in data.omni_resources.schematics.resources : machine.id => machine.decoded }
}
