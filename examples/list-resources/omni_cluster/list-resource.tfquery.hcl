# Clusters of one team, with their attributes, at most 500.
list "omni_cluster" "platform" {
  provider         = omni
  include_resource = true
  limit            = 500

  config {
    label_selector = "team = platform"
  }
}
