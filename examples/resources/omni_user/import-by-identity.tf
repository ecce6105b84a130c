import {
  to = omni_user.jane
  identity = {
    email = "jane.doe@example.org"
  }
}
