# The machine sets of one cluster.
list "omni_machine_set" "prod" {
  provider         = omni
  include_resource = true

  config {
    cluster = "prod"
  }
}
