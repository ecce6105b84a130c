variable "service_account_key" {
  type      = string
  sensitive = true
}

output "expiration" {
  value     = provider::omni::service_account_key_decode(var.service_account_key).expiration
  sensitive = true
}
