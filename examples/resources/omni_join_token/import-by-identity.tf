# The id is the token itself: keep it out of files that others read.
import {
  to = omni_join_token.berlin
  identity = {
    id = "3tvV1bIcCpxm2QLnhPOj7GYsWDPuMIi9vAz0oE8wRXk5"
  }
}
