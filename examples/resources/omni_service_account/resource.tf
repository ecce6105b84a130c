# With a private key in the state, and a new one a month before it ends.
resource "omni_service_account" "ci" {
  name         = "ci"
  role         = "Operator"
  ttl          = "2160h"
  renew_before = "720h"
}

# What a pipeline takes as OMNI_SERVICE_ACCOUNT_KEY.
output "ci_key" {
  value     = omni_service_account.ci.key
  sensitive = true
}

# Without any private key in plan or state: it stands for a name and a role, and keys are added when they are needed.
resource "omni_service_account" "apply" {
  name      = "apply"
  role      = "Admin"
  store_key = false
}

# With a key of its owner's, who keeps the private half to himself.
variable "audit_public_key" {
  type        = string
  description = "OpenPGP public key, in armor."
}

resource "omni_service_account" "audit" {
  name               = "audit"
  role               = "Reader"
  armored_public_key = var.audit_public_key
}
