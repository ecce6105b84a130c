# By name.
data "omni_join_token" "berlin" {
  name = "berlin"
}

# The default token.
data "omni_join_token" "default" {}

output "join_token_expires" {
  value = data.omni_join_token.default.expiration_time
}
