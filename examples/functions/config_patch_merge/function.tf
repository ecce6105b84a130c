output "patch" {
  value = provider::omni::config_patch_merge([
    "machine: { sysctls: { net.core.somaxconn: '65535' } }",
    "machine: { sysctls: { vm.nr_hugepages: '1024' } }",
  ])
}
