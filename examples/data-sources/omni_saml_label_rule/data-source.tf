data "omni_saml_label_rule" "admins" {
  name = "admins"
}

output "role" {
  value = data.omni_saml_label_rule.admins.assign_role
}
