# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_access_policy" "all" {
  provider = omni
}
