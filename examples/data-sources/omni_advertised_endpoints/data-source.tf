data "omni_advertised_endpoints" "this" {}

output "api" {
  value = data.omni_advertised_endpoints.this.grpc_api_url
}
