import {
  to = omni_saml_label_rule.admins
  id = "admins"
}
