data "omni_service_accounts" "all" {
  infra_provider = false
}

output "never_used" {
  value = [for account in data.omni_service_accounts.all.service_accounts : account.name if account.last_active == null]
}
