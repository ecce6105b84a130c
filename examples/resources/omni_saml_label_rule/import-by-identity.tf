import {
  to = omni_saml_label_rule.admins
  identity = {
    name = "admins"
  }
}
