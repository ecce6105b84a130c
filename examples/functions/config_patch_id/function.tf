# Import ID of a patch.
output "patch" {
  value = provider::omni::config_patch_id(400, "production-workers", "sysctls")
}
