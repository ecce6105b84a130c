# The config patches of one cluster that no tool marks as managed, with their attributes.
list "omni_config_patch" "prod" {
  provider         = omni
  include_resource = true

  config {
    cluster    = "prod"
    managed_by = ""
  }
}
