data "omni_infra_provider" "qemu" {
  name = "qemu"
}

output "takes" {
  value = jsondecode(data.omni_infra_provider.qemu.schema)
}
