# Everything that can be imported, but for the default join token: its ID is a secret, which a file does not show.

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

list "omni_access_policy" "all" {
  provider = omni
}

list "omni_cluster_template" "all" {
  provider = omni
}

list "omni_etcd_backup_s3_config" "all" {
  provider = omni
}

list "omni_eula_acceptance" "all" {
  provider = omni
}

list "omni_infra_machine_bmc_config" "all" {
  provider = omni
}

list "omni_installation_media_preset" "all" {
  provider = omni
}

list "omni_kernel_args" "all" {
  provider = omni
}

list "omni_kubernetes_healthcheck" "all" {
  provider = omni
}

list "omni_kubernetes_manifest" "all" {
  provider = omni
}

list "omni_machine" "all" {
  provider = omni
}

list "omni_machine_grpc_tunnel" "all" {
  provider = omni
}

list "omni_machine_install_disk" "all" {
  provider = omni
}

list "omni_machine_labels" "all" {
  provider = omni
}

list "omni_machine_request_set" "all" {
  provider = omni
}

list "omni_saml_label_rule" "all" {
  provider = omni
}

list "omni_service_account" "all" {
  provider = omni
}

list "omni_user" "all" {
  provider = omni
}
