# The ID is the token itself: do not commit it.
import {
  to = omni_join_token.berlin
  identity = {
    id = "3tvV1bIcCpxm2QLnhPOj7GYsWDPuMIi9vAz0oE8wRXk5"
  }
}
