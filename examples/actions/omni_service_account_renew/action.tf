variable "public_key" {
  type        = string
  description = "ASCII-armored OpenPGP public key; its owner keeps the private key."
}

action "omni_service_account_renew" "ci" {
  config {
    name               = "ci"
    armored_public_key = var.public_key
  }
}
