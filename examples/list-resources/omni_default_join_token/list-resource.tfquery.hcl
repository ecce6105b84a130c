# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_default_join_token" "all" {
  provider = omni
}
