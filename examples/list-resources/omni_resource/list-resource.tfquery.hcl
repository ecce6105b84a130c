# The config patches of one cluster.
list "omni_resource" "patches" {
  provider         = omni
  include_resource = true

  config {
    type           = "ConfigPatches"
    label_selector = "omni.sidero.dev/cluster = prod"
  }
}
