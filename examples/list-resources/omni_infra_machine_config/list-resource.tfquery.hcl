# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_infra_machine_config" "all" {
  provider = omni
}
