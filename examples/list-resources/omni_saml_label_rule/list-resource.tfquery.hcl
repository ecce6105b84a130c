# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_saml_label_rule" "all" {
  provider = omni
}
