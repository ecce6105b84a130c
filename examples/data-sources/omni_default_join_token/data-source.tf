data "omni_default_join_token" "this" {}

output "default_token" {
  value = data.omni_default_join_token.this.name
}
