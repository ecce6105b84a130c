import {
  to = omni_eula_acceptance.this
  identity = {
    id = "eula"
  }
}
