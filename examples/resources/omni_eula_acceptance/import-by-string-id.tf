import {
  to = omni_eula_acceptance.this
  id = "eula"
}
