# The name, if it is unique; otherwise the ID of the token.
import {
  to = omni_join_token.berlin
  id = "berlin"
}
