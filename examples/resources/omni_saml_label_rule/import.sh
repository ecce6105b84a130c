# The ID is the name of the rule.
terraform import omni_saml_label_rule.admins admins
