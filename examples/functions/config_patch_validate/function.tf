variable "patch" {
  type        = string
  description = "A config patch for the workers."
  default     = "machine: { sysctls: { net.core.somaxconn: '65535' } }"

  validation {
    # Rules of the newest release; for another one: config_patch_validate(var.patch, "1.10").
    condition     = can(provider::omni::config_patch_validate(var.patch))
    error_message = "Omni would refuse this patch."
  }
}
