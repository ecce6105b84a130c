list "omni_cluster" "all" {
  provider = omni
}

list "omni_machine_set" "all" {
  provider = omni
}

list "omni_machine_set_node" "all" {
  provider = omni
}

list "omni_config_patch" "all" {
  provider = omni
}

list "omni_machine_extensions" "all" {
  provider = omni
}

list "omni_machine_class" "all" {
  provider = omni
}

list "omni_infra_provider" "all" {
  provider = omni
}

list "omni_infra_machine_config" "all" {
  provider = omni
}
