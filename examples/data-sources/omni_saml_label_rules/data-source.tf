data "omni_saml_label_rules" "all" {}

output "roles" {
  value = { for rule in data.omni_saml_label_rules.all.saml_label_rules : rule.name => rule.assign_role }
}
