data "omni_infra_providers" "away" {
  connected = false
}

output "away" {
  value = data.omni_infra_providers.away.ids
}
