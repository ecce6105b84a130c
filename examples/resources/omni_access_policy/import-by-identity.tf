import {
  to = omni_access_policy.this
  identity = {
    id = "access-policy"
  }
}
