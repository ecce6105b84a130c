# The private key is stored in state, and renewed 30 days before it expires.
resource "omni_service_account" "ci" {
  name         = "ci"
  role         = "Operator"
  ttl          = "2160h"
  renew_before = "720h"
}

# OMNI_SERVICE_ACCOUNT_KEY of a pipeline.
output "ci_key" {
  value     = omni_service_account.ci.key
  sensitive = true
}

# No private key in state or plan: keys are created when needed, with the ephemeral omni_service_account_key.
resource "omni_service_account" "apply" {
  name      = "apply"
  role      = "Admin"
  store_key = false
}

# With a public key supplied by its owner.
variable "audit_public_key" {
  type        = string
  description = "ASCII-armored OpenPGP public key."
}

resource "omni_service_account" "audit" {
  name               = "audit"
  role               = "Reader"
  armored_public_key = var.audit_public_key
}
