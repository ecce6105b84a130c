import {
  to = omni_default_join_token.this
  id = "default"
}
