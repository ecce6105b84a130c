# A token that is managed elsewhere.
data "omni_join_token" "site" {
  name = "site"
}

resource "omni_default_join_token" "this" {
  token_id = data.omni_join_token.site.id
}
