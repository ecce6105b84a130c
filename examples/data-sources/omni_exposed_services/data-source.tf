data "omni_exposed_services" "prod" {
  cluster = "prod"
}

output "urls" {
  value = { for service in data.omni_exposed_services.prod.exposed_services : service.label => service.url }
}
