# The name, as long as no other token has it; the id works too.
import {
  to = omni_join_token.berlin
  id = "berlin"
}
