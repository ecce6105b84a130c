data "omni_join_tokens" "active" {
  state = "active"
}

# Tokens that no machine has used yet.
output "unused_join_tokens" {
  value = [for token in data.omni_join_tokens.active.join_tokens : token.name if token.use_count == 0]
}
