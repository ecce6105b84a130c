# The id to give to `terraform import`.
output "patch" {
  value = provider::omni::config_patch_id(400, "production-workers", "sysctls")
}
