variable "private_key" {
  type      = string
  sensitive = true
}

output "key" {
  value     = provider::omni::service_account_key_encode("ci", var.private_key)
  sensitive = true
}
