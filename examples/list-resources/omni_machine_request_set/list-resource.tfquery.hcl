# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_machine_request_set" "all" {
  provider = omni
}
