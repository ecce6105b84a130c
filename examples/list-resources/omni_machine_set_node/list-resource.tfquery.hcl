# Every object that this Omni has; `include_resource` adds the attributes.
list "omni_machine_set_node" "all" {
  provider = omni
}
