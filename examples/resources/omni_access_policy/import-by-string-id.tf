import {
  to = omni_access_policy.this
  id = "access-policy"
}
