# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_service_account" "all" {
  provider = omni
}
