# A token that something else made: the data source finds it by its name.
data "omni_join_token" "site" {
  name = "site"
}

resource "omni_default_join_token" "this" {
  token_id = data.omni_join_token.site.id
}
