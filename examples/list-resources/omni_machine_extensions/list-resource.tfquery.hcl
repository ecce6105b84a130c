# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_machine_extensions" "all" {
  provider = omni
}
