import {
  to = omni_user.jane
  id = "jane.doe@example.org"
}
