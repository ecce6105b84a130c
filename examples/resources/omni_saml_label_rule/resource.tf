resource "omni_saml_label_rule" "admins" {
  name                 = "admins"
  match_labels         = ["saml.omni.sidero.dev/groups/omni-admins"]
  assign_role          = "Admin"
  update_on_each_login = true
}
