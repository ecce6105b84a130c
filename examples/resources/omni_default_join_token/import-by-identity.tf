import {
  to = omni_default_join_token.this
  identity = {
    id = "default"
  }
}
