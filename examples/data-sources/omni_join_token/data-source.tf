# The one of a name, which something else may have made.
data "omni_join_token" "berlin" {
  name = "berlin"
}

# The default one.
data "omni_join_token" "default" {}

output "join_token_expires" {
  value = data.omni_join_token.default.expiration_time
}
